/** The reports: each holds the findings, is of the form that its readers expect, and holds no secret. */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import harSchemas from "har-schema";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  check,
  REPORT_FORMATS,
  type Report,
  reportAs,
  reportJsonSchema,
  ReportSchema,
} from "../../conformance/index.ts";
import { openEndpoint } from "./endpoint.ts";

const KEY = "sk-live-0123456789abcdef";
let report: Report;
beforeAll(async () => {
  // It repeats the caller's key, and sends text that would break a careless report.
  await using endpoint = await openEndpoint("x402-v2", (answer, { method, request }) => ({
    ...answer,
    status: method === "HEAD" ? 200 : 402,
    body: `<script>alert(1)</script>]]>\u0007 it's ${String(request.headers["x-api-key"])}`,
  }));
  const headers = [["X-Api-Key", KEY]] as const;
  report = await check({ url: endpoint.url, headers, baseline: ["LEAK-02"] });
});

test.each(REPORT_FORMATS)("%s tells the finding, and no secret", (format) => {
  const text = reportAs(format, report);
  expect(text).toContain(format === "har" ? "HEAD" : "HTTP-01");
  expect(text).not.toContain(KEY);
  if (format === "html" || format === "junit") expect(text).not.toMatch(/<script|it's/);
});

test("the JSON report is as its published schema says", () => {
  const published = JSON.parse(readFileSync("docs/check-report.schema.json", "utf8")) as Parameters<
    typeof z.fromJSONSchema
  >[0];
  expect(published).toEqual(JSON.parse(JSON.stringify(reportJsonSchema())));
  expect(z.fromJSONSchema(published).safeParse(report).error).toBeUndefined();
  expect(ReportSchema.parse(report)).toEqual(report);
});

describe("SARIF 2.1.0", () => {
  // The parts of the schema of OASIS that we write, closed, so that a misspelt name is noticed.
  const text = z.strictObject({ text: z.string().min(1) });
  const Sarif = z.strictObject({
    $schema: z.url(),
    version: z.literal("2.1.0"),
    runs: z.tuple([
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.string(),
            semanticVersion: z.string(),
            rules: z.array(
              z.strictObject({
                id: z.string(),
                shortDescription: text,
                fullDescription: text,
                help: text,
                helpUri: z.url().optional(),
                properties: z.looseObject({ tags: z.array(z.string()) }),
              }),
            ),
          }),
        }),
        invocations: z.array(
          z.strictObject({ executionSuccessful: z.boolean(), startTimeUtc: z.iso.datetime() }),
        ),
        results: z.array(
          z.strictObject({
            ruleId: z.string(),
            ruleIndex: z.number().int(),
            level: z.enum(["none", "note", "warning", "error"]),
            message: text,
            locations: z.array(
              z.strictObject({
                physicalLocation: z.strictObject({
                  // A relative one: GitHub refuses the scheme of the web.
                  artifactLocation: z.strictObject({ uri: z.string().regex(/^[\w.-]+(\/|$)/) }),
                  region: z.strictObject({
                    startLine: z.literal(1),
                    startColumn: z.literal(1),
                    endLine: z.literal(1),
                    endColumn: z.literal(1),
                  }),
                }),
                logicalLocations: z.array(z.strictObject({ name: z.string(), kind: z.string() })),
              }),
            ),
            partialFingerprints: z.record(z.string(), z.string()),
            suppressions: z
              .array(
                z.strictObject({
                  kind: z.enum(["inSource", "external"]),
                  justification: z.string(),
                }),
              )
              .optional(),
            properties: z.looseObject({}),
          }),
        ),
      }),
    ]),
  });

  test("has a rule for each case and a result for each finding", () => {
    const { error, data } = Sarif.safeParse(JSON.parse(reportAs("sarif", report)));
    expect(error).toBeUndefined();
    const [{ tool, results }] = data!.runs;
    expect(results.length).toBe(report.counts.fail + report.counts.warn);
    for (const { ruleId, ruleIndex } of results) {
      expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    }
  });
});

/** What the schema of Jenkins (junit-10.xsd) lets each element have, of what we write. */
const JUNIT: Readonly<Record<string, { attributes: readonly string[]; within: string }>> = {
  testsuites: { attributes: [], within: "" },
  testsuite: {
    attributes: ["name", "tests", "failures", "errors", "skipped", "time", "timestamp"],
    within: "testsuites",
  },
  testcase: { attributes: ["classname", "name"], within: "testsuite" },
  failure: { attributes: ["message", "type"], within: "testcase" },
  error: { attributes: ["message", "type"], within: "testcase" },
  skipped: { attributes: ["message"], within: "testcase" },
};

test("JUnit is well-formed, of the elements that its readers know, and counts what it holds", () => {
  const xml = reportAs("junit", report);
  const open: string[] = [];
  for (const [, close, name = "", list = "", self] of xml.matchAll(
    /<(\/?)([a-z]+)((?:\s[\w-]+="[^"<]*")*)(\/?)>/g,
  )) {
    if (close === "/") {
      expect(open.pop()).toBe(name);
      continue;
    }
    expect([name, open.at(-1) ?? ""]).toEqual([name, JUNIT[name]?.within]);
    const attributes = [...list.matchAll(/([\w-]+)=/g)].map(([, attribute]) => attribute);
    if (name !== "failure" && name !== "error" && name !== "skipped")
      expect(attributes).toEqual(JUNIT[name]?.attributes);
    if (self !== "/") open.push(name);
  }
  expect(open).toEqual([]);
  expect(xml.match(/<testcase /g)).toHaveLength(report.results.length);
  expect(xml.match(/<failure /g)?.length).toBe(Number(/failures="(\d+)"/.exec(xml)?.[1]));
});

test("HAR 1.2 has every exchange, and is as its published schema says", () => {
  const har = JSON.parse(reportAs("har", report)) as { log: { entries: object[] } };
  expect(har.log.entries).toHaveLength(report.exchanges.length);
  // The schemas are of draft 6, whose words all mean the same to a reader of draft 7.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const { $schema: _, ...schema } of Object.values(harSchemas)) ajv.addSchema(schema);
  const validate = ajv.getSchema("har.json#");
  expect(validate?.(har), JSON.stringify(validate?.errors)).toBe(true);
  const wrong = structuredClone(har);
  delete (wrong.log.entries[0] as { request?: object }).request;
  expect(validate?.(wrong)).toBe(false);
});
