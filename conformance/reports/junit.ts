/** JUnit XML: a testcase for each result, as CI servers show them. */
import { citation, type Report, type Result, routeText } from "../report.ts";
import { subjectOf } from "../subject.ts";
import { escapeMarkup } from "./markup.ts";

export function toJunit(report: Report): string {
  const { results, ms, startedAt } = report;
  const count = (kind: ReturnType<typeof kindOf>) =>
    results.filter((result) => kindOf(result, report) === kind).length;
  const attributes = [
    `name="${escapeMarkup(`purser check ${subjectOf(report)}`)}"`,
    `tests="${results.length}"`,
    `failures="${count("failure")}"`,
    `errors="${count("error")}"`,
    `skipped="${count("skipped")}"`,
    `time="${(ms / 1000).toFixed(3)}"`,
    `timestamp="${startedAt.replace(/\.\d+Z$/, "")}"`,
  ].join(" ");
  const cases = results.map((result) => testcase(result, report)).join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n<testsuite ${attributes}>\n${cases}\n</testsuite>\n</testsuites>\n`;
}

function kindOf({ verdict, known }: Result, { strict }: Report) {
  if (verdict === "harness-error") return "error";
  if (verdict === "fail" || (strict && verdict === "warn")) return known ? "skipped" : "failure";
  return verdict === "skip" || verdict === "cannot-assess" ? "skipped" : "passed";
}

function testcase(result: Result, report: Report): string {
  const { id, title, profile, seen, gains, mend, basis, level, severity } = result;
  const open = `<testcase classname="${escapeMarkup(`${profile}.${id}`)}" name="${escapeMarkup(`${id} ${title} ${routeText(result)}`.trim())}"`;
  const kind = kindOf(result, report);
  if (kind === "passed") return `${open}/>`;
  const message = escapeMarkup(seen);
  // As a text: the attribute that some writers use is not in every edition of Jenkins' schema, and its readers take either.
  if (kind === "skipped") return `${open}><skipped>${message}</skipped></testcase>`;
  const text = `${seen}\nWhat it costs: ${gains}\nTo mend it: ${mend}\n${level}, ${severity}. ${citation(basis)}\n${basis.url}`;
  return `${open}><${kind} message="${message}" type="${escapeMarkup(id)}">${escapeMarkup(text)}</${kind}></testcase>`;
}
