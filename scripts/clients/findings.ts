/** What each of several servers or clients fails, as a heading and a table of Markdown; `cell` makes what was seen fit for a cell. */
import type { Report } from "../../conformance/index.ts";

export function findingTables(
  all: readonly (readonly [string, Report])[],
  cell: (text: string) => string,
): string[] {
  return all.flatMap(([name, { results }]) => {
    const findings = results.filter(({ verdict }) => verdict === "fail" || verdict === "warn");
    const heading = ["", `## ${name}`, ""];
    if (findings.length === 0) return [...heading, "Nothing."];
    const rows = findings.map(
      ({ id, title, profile, verdict, seen }) =>
        `| ${id} ${title} (${profile}) | ${verdict} | ${cell(seen)} |`,
    );
    return [...heading, "| case | verdict | what was seen |", "| --- | --- | --- |", ...rows];
  });
}
