/** The reports: each holds the findings, is of the form that its readers expect, and holds no secret. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  check,
  mergeReports,
  REPORT_FORMATS,
  type Report,
  reportAs,
  reportJsonSchema,
  ReportSchema,
} from "../../conformance/index.ts";
import { openEndpoint } from "./endpoint.ts";
import { PROBLEMS_OF } from "./report-schemas.ts";

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

/** A break of each format that its schema must notice, in a report that is else right. */
const BREAKS = {
  sarif: (text: string) => text.replace('"ruleIndex"', '"rule_index"'),
  har: (text: string) => text.replace('"request"', '"asked"'),
  junit: (text: string) => text.replace("<failure ", '<failure severity="high" '),
} as const;

describe.each(Object.entries(PROBLEMS_OF))("%s", (name, problemsOf) => {
  const format = name as keyof typeof PROBLEMS_OF;

  test("is as its published schema says", () => {
    expect(problemsOf(reportAs(format, report))).toBeUndefined();
  });

  test("of several routes is too", () => {
    const merged = mergeReports([report, report], report.target.url);
    expect(problemsOf(reportAs(format, merged))).toBeUndefined();
  });

  test("with a word that the schema does not have is noticed", () => {
    const right = reportAs(format, report);
    expect(BREAKS[format](right)).not.toBe(right);
    expect(problemsOf(BREAKS[format](right))).toBeDefined();
  });
});

test("SARIF has a rule for each case and a result for each finding, at a relative place", () => {
  const { runs } = JSON.parse(reportAs("sarif", report)) as {
    runs: {
      tool: { driver: { rules: { id: string }[] } };
      results: {
        ruleId: string;
        ruleIndex: number;
        locations: { physicalLocation: { artifactLocation: { uri: string } } }[];
      }[];
    }[];
  };
  const { tool, results } = runs[0]!;
  expect(results.length).toBe(report.counts.fail + report.counts.warn);
  for (const { ruleId, ruleIndex, locations } of results) {
    expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    // GitHub refuses the scheme of the web.
    expect(locations[0]?.physicalLocation.artifactLocation.uri).toMatch(/^[\w.-]+(\/|$)/);
  }
});

test("JUnit counts what it holds, and tells why a case was skipped", () => {
  const xml = reportAs("junit", report);
  expect(xml.match(/<testcase /g)).toHaveLength(report.results.length);
  const counted = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(xml)?.[1]);
  expect(xml.match(/<failure /g)).toHaveLength(counted("failures"));
  expect(xml.match(/<skipped>/g)).toHaveLength(counted("skipped"));
  const skipped = report.results.find(({ verdict }) => verdict === "skip");
  expect(xml).toContain(`<skipped>${skipped?.seen.replaceAll("'", "&#39;")}</skipped>`);
});

test("HAR has every exchange", () => {
  const har = JSON.parse(reportAs("har", report)) as { log: { entries: object[] } };
  expect(har.log.entries).toHaveLength(report.exchanges.length);
});
