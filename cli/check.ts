/** `purser check`: tests somebody's 402-gated endpoint, prints what to mend, and writes the reports. */
import { readFileSync, writeFileSync } from "node:fs";
import { makeFolder } from "./make-folder.ts";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import {
  check,
  ConformanceError,
  PROFILES,
  type Profile,
  REPORT_FILES,
  REPORT_FORMATS,
  type Report,
  reportAs,
  type ReportFormat,
  type Ring,
} from "../conformance/index.ts";
import { readAddress, readAmount, readPath } from "./arguments.ts";
import { tellReport, tellResult } from "./check-summary.ts";
import { UsageError } from "./exit.ts";
import { readHeaders } from "./header-lines.ts";
import { openPaying } from "./check-paying.ts";
import { findPackage } from "./package.ts";
import type { CheckFlags } from "./check-program.ts";
import type { Surroundings } from "./surroundings.ts";

/** The exit codes of `check`, which CI reads. */
const CHECK_EXIT: Readonly<Record<Report["outcome"], 0 | 1 | 2 | 3>> = {
  passed: 0,
  failed: 1,
  incomplete: 2,
  "tool-error": 3,
};

export async function checkCommand(
  url: string,
  flags: CheckFlags,
  { terminal, json, cwd, signal, env }: Surroundings,
): Promise<0 | 1 | 2 | 3> {
  const formats = readFormats(flags.report);
  const out = readPath(flags.out, cwd);
  const ring = readRing(flags.ring);
  await using paying =
    ring === 2 ? await openPaying(url, flags, { terminal, env, signal }) : undefined;
  const report = await check({
    payer: paying?.payer,
    url,
    method: flags.request,
    headers: readHeaders(flags.header),
    body: flags.data,
    profiles: readProfiles(flags.profile),
    ring,
    only: flags.only,
    skip: flags.skip,
    baseline:
      flags.baseline === undefined ? undefined : readBaseline(readPath(flags.baseline, cwd)),
    strict: flags.strict ?? false,
    load: flags.load ?? false,
    seed: flags.seed,
    allowPrivate: flags.allowPrivate ?? false,
    expect: {
      payTo: flags.expectPayTo === undefined ? undefined : readAddress(flags.expectPayTo),
      maxPrice: flags.maxPrice === undefined ? undefined : readAmount(flags.maxPrice),
      marker: flags.resourceMarker,
      sibling: flags.sibling,
    },
    version: findPackage()?.version,
    signal,
    onResult: (result) => {
      if (!json) tellResult(result, terminal, flags.verbose ?? false);
    },
  });
  if (formats.length > 0) makeFolder(out);
  for (const format of formats) {
    const path = join(out, REPORT_FILES[format]);
    writeFileSync(path, reportAs(format, report));
    terminal.note(`Wrote ${path}.`);
  }
  if (json) terminal.out(JSON.stringify(report, undefined, 2));
  else tellReport(report, terminal);
  return CHECK_EXIT[report.outcome];
}

function readProfiles(text: string | undefined): readonly Profile[] | undefined {
  if (text === undefined || text === "auto") return undefined;
  if (text === "all") return PROFILES;
  const names = text.split(",");
  const known = PROFILES.filter((profile) => names.includes(profile));
  if (known.length === names.length) return known;
  throw usage(
    `"${text.slice(0, 80)}" is not a profile.`,
    `Write ${PROFILES.join(", ")}, all or auto.`,
  );
}

function readRing(text: string): Ring {
  if (text === "0") return 0;
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw usage(`Ring "${text.slice(0, 20)}" is not built yet.`, "Write --ring 0, 1 or 2.");
}

function readFormats(text: string | undefined): ReportFormat[] {
  const names = text?.split(",") ?? [];
  const known = REPORT_FORMATS.filter((format) => names.includes(format));
  if (known.length === names.length) return known;
  throw usage(
    `"${text?.slice(0, 80)}" is not a list of report formats.`,
    `Write some of ${REPORT_FORMATS.join(",")}.`,
  );
}

/** A YAML or JSON list of ids, or an object with them under `expected-failures`. */
function readBaseline(path: string): string[] {
  try {
    const value: unknown = parseYaml(readFileSync(path, "utf8"));
    const list = Array.isArray(value)
      ? value
      : (value as { "expected-failures"?: unknown })["expected-failures"];
    if (Array.isArray(list) && list.every((entry) => typeof entry === "string")) return list;
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw unreadable(path);
}

function unreadable(path: string, cause?: unknown): ConformanceError {
  return new ConformanceError("CHECK_FILE_INVALID", {
    problem: `${path} is not a baseline.`,
    nextStep:
      "Write a YAML list of case ids under `expected-failures`, such as `- CHAL-18` or `- CHAL-18@x402-v1`.",
    cause,
  });
}

function usage(problem: string, nextStep: string): UsageError {
  return new UsageError("USAGE", { problem, nextStep });
}
