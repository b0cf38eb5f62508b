/** A report in the form that somebody else's tool reads: CI (junit), code scanning (sarif), people (md, html), a browser's tools (har). */
import type { Report } from "../report.ts";
import { toHar } from "./har.ts";
import { toHtml } from "./html.ts";
import { toJunit } from "./junit.ts";
import { toMarkdown } from "./markdown.ts";
import { toSarif } from "./sarif.ts";

const WRITERS = {
  json: (report: Report) => `${JSON.stringify(report, undefined, 2)}\n`,
  junit: toJunit,
  sarif: (report: Report) => `${JSON.stringify(toSarif(report), undefined, 2)}\n`,
  md: toMarkdown,
  html: toHtml,
  har: (report: Report) => `${JSON.stringify(toHar(report), undefined, 2)}\n`,
} as const;

export type ReportFormat = keyof typeof WRITERS;
export const REPORT_FORMATS = Object.keys(WRITERS) as readonly ReportFormat[];

/** The name of a report's file, such as `report.sarif`. */
export const REPORT_FILES: Readonly<Record<ReportFormat, string>> = {
  json: "report.json",
  junit: "junit.xml",
  sarif: "report.sarif",
  md: "report.md",
  html: "report.html",
  har: "report.har",
};

/** The report as text of a format. */
export function reportAs(format: ReportFormat, report: Report): string {
  return WRITERS[format](report);
}
