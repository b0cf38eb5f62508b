/** What each of several servers or clients fails, as Markdown: a table for each of them, and each case that was failed, once. */
import type { Report, Result } from "../../conformance/index.ts";
import { escapeMarkdown } from "../../conformance/reports/markup.ts";

const isFinding = ({ verdict }: Result) => verdict === "fail" || verdict === "warn";

/** `cell` makes what was seen fit for a cell. */
export function findingTables(
  all: readonly (readonly [string, Report])[],
  cell: (text: string) => string,
): string[] {
  return all.flatMap(([name, { results }]) => {
    const findings = results.filter(isFinding);
    const heading = ["", `## ${name}`, ""];
    if (findings.length === 0) return [...heading, "Nothing."];
    const rows = findings.map(
      ({ id, title, profile, verdict, seen }) =>
        `| ${id} ${title} (${profile}) | ${verdict} | ${cell(seen)} |`,
    );
    return [...heading, "| case | verdict | what was seen |", "| --- | --- | --- |", ...rows];
  });
}

/** What each of the cases that somebody failed costs, and what mends it: the other half of a report to whoever keeps the package. */
export function caseList(heading: string, all: readonly (readonly [string, Report])[]): string[] {
  const found = new Map<string, Result>();
  for (const [, { results }] of all)
    for (const result of results.filter(isFinding)) found.set(result.id, result);
  const items = [...found.values()]
    .toSorted((a, b) => a.id.localeCompare(b.id))
    .map(
      ({ id, title, severity, basis, gains, mend }) =>
        `- **${id}** ${escapeMarkdown(`${title} (${severity}). ${gains} To mend it: ${mend}`)} ${whereOf(basis)}`,
    );
  return ["", `## ${heading}`, "", ...items];
}

function whereOf({ spec, section, url, quote, paraphrased }: Result["basis"]): string {
  const said = escapeMarkdown(quote);
  if (!url.startsWith("http")) return `Our policy: ${said}`;
  return `[${spec}, ${section}](${url}): ${paraphrased ? `${said} (in our words)` : `"${said}"`}`;
}
