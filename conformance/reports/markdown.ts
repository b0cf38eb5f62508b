/** Markdown, for a pull request's comment or a job's summary: the findings first, then everything in one table. */
import { conclusionOf, countsOf, idsText, nextStepOf, unjudgedOf } from "../conclusion.ts";
import { bySeverity, type Report, type Result, routeText } from "../report.ts";
import { scopeOf, subjectOf } from "../subject.ts";
import { escapeMarkdown } from "./markup.ts";

export function toMarkdown(report: Report): string {
  const { results, outcome, profiles, stale } = report;
  const unjudged = unjudgedOf(report);
  const nextStep = nextStepOf(report);
  const findings = results
    .filter(({ verdict }) => verdict === "fail" || verdict === "warn")
    .toSorted(bySeverity);
  const lines = [
    `# purser check: ${outcome}`,
    "",
    `\`${subjectOf(report).replaceAll("`", "")}\` · ${profiles.join(", ")} · ${scopeOf(report)}`,
    "",
    countsOf(report).join(" · "),
    "",
    `**${conclusionOf(report)}**${nextStep === undefined ? "" : ` ${escapeMarkdown(nextStep)}`}`,
    "",
    ...findings.flatMap((finding) => describe(finding)),
    ...(stale.length > 0
      ? [
          `The baseline expects ${stale.join(", ")} to fail, and they no longer do: take them out.`,
          "",
        ]
      : []),
    ...(unjudged.length > 0
      ? [
          "## Not judged, and why",
          "",
          ...unjudged.map(
            ({ verdict, ids, reason }) => `- ${verdict} ${idsText(ids)}: ${escapeMarkdown(reason)}`,
          ),
          "",
        ]
      : []),
    "## Every case",
    "",
    "| case | verdict | what was seen |",
    "| --- | --- | --- |",
    ...results.map(
      ({ id, profile, title, verdict, seen, route }) =>
        `| ${id} ${escapeMarkdown(`${title} ${routeText({ route })}`.trim())} (${profile}) | ${verdict} | ${escapeMarkdown(seen)} |`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function describe(finding: Result): string[] {
  const { id, title, profile, verdict, severity, seen, gains, mend, basis } = finding;
  const { known, behind = [] } = finding;
  const where = basis.url.startsWith("http")
    ? `[${basis.spec}, ${basis.section}](${basis.url})`
    : basis.spec;
  return [
    `## ${id}: ${escapeMarkdown(title)} (${profile})`,
    "",
    `**${verdict}, ${severity}${known ? ", known" : ""}.** ${escapeMarkdown(`${routeText(finding)} ${seen}`.trim())}`,
    "",
    ...(behind.length > 0
      ? [`Behind it: ${escapeMarkdown(behind.slice(0, 40).join(", "))}`, ""]
      : []),
    escapeMarkdown(gains),
    "",
    `To mend it: ${mend.split("\n").map(escapeMarkdown).join(" ")}`,
    "",
    `${where}: ${escapeMarkdown(basis.quote)}${basis.paraphrased ? " (in our words)" : ""}`,
    "",
  ];
}
