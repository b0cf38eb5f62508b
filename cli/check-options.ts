/** What `purser check` reads from its options whatever it tests, how it writes its reports, and how it ends. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import {
  AGENT_CASES,
  CASES,
  CLIENT_CASES,
  ConformanceError,
  parseEntry,
  PROFILES,
  type Profile,
  REPORT_FILES,
  REPORT_FORMATS,
  type Report,
  reportAs,
  type ReportFormat,
  type Ring,
} from "../conformance/index.ts";
import { UsageError } from "./exit.ts";
import { readGivenFile } from "./given-file.ts";
import { makeFolder } from "./make-folder.ts";

/** The exit codes of `check`, which CI reads. */
export const CHECK_EXIT: Readonly<Record<Report["outcome"], 0 | 1 | 2 | 3>> = {
  passed: 0,
  failed: 1,
  incomplete: 2,
  "tool-error": 3,
};

/** Writes each into the folder, which is made. */
export function writeReports(
  report: Report,
  { formats, out }: { formats: readonly ReportFormat[]; out: string },
  note: (line: string) => void,
): void {
  if (formats.length > 0) makeFolder(out);
  for (const format of formats) {
    const path = join(out, REPORT_FILES[format]);
    writeFileSync(path, reportAs(format, report));
    note(`Wrote ${path}.`);
  }
}

export function readProfiles(text: string | undefined): readonly Profile[] | undefined {
  if (text === undefined || text === "auto") return undefined;
  if (text === "all") return PROFILES;
  const names = text.split(",");
  const known = PROFILES.filter((profile) => names.includes(profile));
  if (known.length === names.length) return known;
  throw usageError(
    `"${text.slice(0, 80)}" is not a profile.`,
    `Write ${PROFILES.join(", ")}, all or auto.`,
  );
}

export function readRing(text: string): Ring {
  if (text === "0") return 0;
  if (text === "1") return 1;
  if (text === "2") return 2;
  if (text === "3") return 3;
  throw usageError(`There is no ring "${text.slice(0, 20)}".`, "Write --ring 0, 1, 2 or 3.");
}

export function readFormats(text: string | undefined): ReportFormat[] {
  const names = text?.split(",") ?? [];
  const known = REPORT_FORMATS.filter((format) => names.includes(format));
  if (known.length === names.length) return known;
  throw usageError(
    `"${text?.slice(0, 80)}" is not a list of report formats.`,
    `Write some of ${REPORT_FORMATS.join(",")}.`,
  );
}

/** Throws `CHECK_FILE_INVALID`, also for an entry that names no case: it would never be stale, and never help. */
export function readBaseline(path: string): string[] {
  const entries = readEntries(path);
  const unknown = entries.find((entry) => !isCase(entry));
  if (unknown === undefined) return entries;
  throw new ConformanceError("CHECK_FILE_INVALID", {
    problem: `${path} names "${unknown.slice(0, 60)}", and there is no such case.`,
    nextStep: `Look at \`purser check list\`; behind an @ stands one of ${PROFILES.join(", ")}.`,
  });
}

function isCase(entry: string): boolean {
  const { id, profile } = parseEntry(entry);
  return (
    [...CASES, ...CLIENT_CASES, ...AGENT_CASES].some((one) => one.id === id) &&
    (profile === undefined || PROFILES.some((known) => known === profile))
  );
}

const BASELINE =
  "Write a YAML list of case ids under `expected-failures`, such as `- CHAL-18`, `- CHAL-18@x402-v1`, or `- RPLY-02?` for what fails in some runs only.";

/** A YAML or JSON list of ids, or an object with them under `expected-failures`. */
function readEntries(path: string): string[] {
  const text = readGivenFile(path, `${BASELINE} Without known failures leave --baseline out.`);
  let value: unknown;
  let cause: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    cause = error;
  }
  const list = Array.isArray(value)
    ? value
    : (value as { "expected-failures"?: unknown } | null | undefined)?.["expected-failures"];
  if (Array.isArray(list) && list.every((entry) => typeof entry === "string")) return list;
  throw new ConformanceError("CHECK_FILE_INVALID", {
    problem: `${path} is not a baseline.`,
    nextStep: BASELINE,
    cause,
  });
}

/** The items of a discovery answer (x402 v2, section 8). */
export function readCatalog(path: string): unknown[] {
  const nextStep = "Save the JSON of GET /discovery/resources; its entries stand under items.";
  const text = readGivenFile(path, nextStep);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const items = Array.isArray(value)
    ? value
    : (value as { items?: unknown } | null | undefined)?.items;
  if (Array.isArray(items)) return items;
  throw new ConformanceError("CHECK_FILE_INVALID", {
    problem: `${path} is not what a catalog answers.`,
    nextStep,
  });
}

export function usageError(problem: string, nextStep: string): UsageError {
  return new UsageError("USAGE", { problem, nextStep });
}
