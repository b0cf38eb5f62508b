/**
 * SARIF 2.1.0, for code scanning: a rule for each case, a result for each finding. It has no line in a file to point at: the logical
 * location is the endpoint.
 */
import type { Severity } from "../case.ts";
import { citation, type Report, type Result, routeText } from "../report.ts";
import { subjectOf } from "../subject.ts";

/** GitHub's scale. */
const SECURITY_SEVERITY: Readonly<Record<Severity, string>> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "2.0",
};

/** GitHub wants a place in a file, relative to the checkout, and takes no address on the web: there is none, so it gets a name for one. */
const FIRST_LINE = { startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 } as const;
function fileFor(url: string): string {
  if (!URL.canParse(url)) return "endpoints";
  const { host, pathname } = new URL(url);
  return `endpoints/${host.replace(":", "_")}${pathname}`;
}

const LEVELS = { fail: "error", warn: "warning" } as const;

export function toSarif(report: Report): object {
  const { results, tool, target } = report;
  const ids = [...new Set(results.map(({ id }) => id))];
  const rules = ids.map((id) => ruleOf(results.find((result) => result.id === id)!));
  const findings = results.flatMap((result) => {
    const { verdict, route: place = target } = result;
    if (verdict !== "fail" && verdict !== "warn") return [];
    return [
      {
        ruleId: result.id,
        ruleIndex: ids.indexOf(result.id),
        level: LEVELS[verdict],
        message: {
          text: `${result.title}: ${result.seen} ${result.gains} To mend it: ${result.mend}`,
        },
        locations: [
          {
            physicalLocation: { artifactLocation: { uri: fileFor(place.url) }, region: FIRST_LINE },
            logicalLocations: [{ name: routeText(result) || subjectOf(report), kind: "resource" }],
          },
        ],
        partialFingerprints: {
          "purserCheck/v1": `${result.id}@${result.profile} ${routeText(result)}`.trim(),
        },
        ...(result.known
          ? { suppressions: [{ kind: "external", justification: "In the baseline." }] }
          : {}),
        properties: { profile: result.profile, attribution: result.attribution },
      },
    ];
  });
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "purser check", semanticVersion: tool.version, rules } },
        invocations: [
          {
            executionSuccessful: report.outcome !== "tool-error",
            startTimeUtc: report.startedAt,
          },
        ],
        results: findings,
      },
    ],
  };
}

function ruleOf({ id, title, gains, mend, basis, level, severity, cwe }: Result) {
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: gains },
    help: { text: `${mend}\n\n${citation(basis)}` },
    ...(basis.url.startsWith("http") ? { helpUri: basis.url } : {}),
    properties: {
      "security-severity": SECURITY_SEVERITY[severity],
      level,
      tags: ["402", ...(cwe === undefined ? [] : [`external/cwe/cwe-${cwe}`])],
    },
  };
}
