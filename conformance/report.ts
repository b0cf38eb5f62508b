/**
 * What a test leaves behind: one JSON object, of which every other report is made. Its schema is a promise (`docs/check-report.schema.json`):
 * fields are added, never changed.
 */
import { z } from "zod";
import {
  type Case,
  type Level,
  LEVELS,
  PROFILES,
  type Profile,
  SEVERITIES,
  VERDICTS,
} from "./case.ts";

const levels = Object.keys(LEVELS) as [Level, ...Level[]];

const TargetSchema = z.object({ url: z.string(), method: z.string() });

const ResultSchema = z.object({
  id: z.string().describe("The case's stable id, such as CHAL-01."),
  profile: z.enum(PROFILES),
  title: z.string(),
  level: z.enum(levels),
  severity: z.enum(SEVERITIES),
  ring: z.number().int().min(0).max(3),
  verdict: z.enum(VERDICTS),
  attribution: z
    .enum(["target", "dependency", "harness"])
    .describe("Whose doing it is: the endpoint's, its facilitator's or chain's, or the tester's."),
  seen: z.string().describe("What was seen, in one line."),
  basis: z.object({
    spec: z.string(),
    section: z.string(),
    url: z.string(),
    quote: z.string(),
    paraphrased: z
      .literal(true)
      .optional()
      .describe("The quote is in our words, not the specification's."),
  }),
  gains: z.string().describe("Who gains what when it is broken."),
  mend: z.string(),
  cwe: z.number().int().optional(),
  money: z
    .object({ signed: z.string(), lost: z.string() })
    .optional()
    .describe("Of a client's case, in atomic units: what it signed for, and what it lost by it."),
  known: z.boolean().describe("True where the baseline expects it."),
  exchanges: z.array(z.number().int()).describe("The evidence: indexes of `exchanges`."),
  route: TargetSchema.optional().describe("Which request, where several were tested at once."),
  behind: z
    .array(z.string())
    .max(10_000)
    .optional()
    .describe(
      "Ring 3: what the endpoint asked of its facilitator and when it did the work, in order; in brackets what was done to it.",
    ),
});
export type Result = z.output<typeof ResultSchema>;

const ExchangeSchema = z.object({
  index: z.number().int(),
  method: z.string(),
  url: z.string(),
  requestHeaders: z.array(z.tuple([z.string(), z.string()])),
  requestBody: z.string().optional(),
  status: z.number().int().optional(),
  responseHeaders: z.array(z.tuple([z.string(), z.string()])),
  responseBody: z.string().optional(),
  failure: z.string().optional(),
  startedAt: z.iso.datetime(),
  ms: z.number(),
});

const VerdictCounts = z.object(
  Object.fromEntries(VERDICTS.map((verdict) => [verdict, z.number().int()])) as Record<
    (typeof VERDICTS)[number],
    z.ZodNumber
  >,
);

export const ReportSchema = z.object({
  format: z.literal("purser-check/1"),
  tool: z.object({ name: z.literal("purser check"), version: z.string() }),
  target: TargetSchema.describe("The method is * where several routes were tested."),
  client: z
    .object({
      command: z.string(),
      mode: z.enum(["client", "agent"]),
      signed: z.string(),
      lost: z.string(),
    })
    .optional()
    .describe("Where a paying client was tested and no endpoint. Atomic units, over all cases."),
  profiles: z.array(z.enum(PROFILES)),
  ring: z.number().int().min(0).max(3),
  seed: z.string().describe("With the same seed the same random choices are made."),
  strict: z.boolean(),
  startedAt: z.iso.datetime(),
  ms: z.number(),
  outcome: z
    .enum(["passed", "failed", "incomplete", "tool-error"])
    .describe("Exit codes 0, 1, 2 and 3."),
  counts: VerdictCounts,
  /** Baseline entries that no longer fail. */
  stale: z
    .array(z.string())
    .describe("What the baseline expects and did not happen: mend the baseline."),
  results: z.array(ResultSchema),
  exchanges: z.array(ExchangeSchema),
});
export type Report = z.output<typeof ReportSchema>;

/** The published schema of a report. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(ReportSchema);
}

/** The part of a result that the case itself gives. */
export function describeCase(
  { id, title, level, severity, ring, basis, gains, mend, cwe }: Omit<Case, "run" | "profiles">,
  profile: Profile,
) {
  const fixed = { id, profile, title, level, severity, ring, basis: { ...basis }, gains, mend };
  return cwe === undefined ? fixed : { ...fixed, cwe };
}

/** The request that a result is about, as `GET https://…`; empty where the report is about one request only. */
export function routeText({ route }: Pick<Result, "route">): string {
  return route ? `${route.method} ${route.url}` : "";
}

/** Where a case is written and what stands there; a quote that is not word for word says so. */
export function citation({ spec, section, quote, paraphrased }: Result["basis"]): string {
  return `${spec}, ${section}: ${quote}${paraphrased ? " (in our words)" : ""}`;
}

/** Worst first, then in the catalog's order. */
export function bySeverity(a: Result, b: Result): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
}
