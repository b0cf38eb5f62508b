/** `purser check`: tests somebody's 402-gated endpoint, prints what to mend, and writes the reports. */
import { check, type CheckOptions, type Ring } from "../conformance/index.ts";
import { readAddress, readAmount, readPath, readUrl } from "./arguments.ts";
import {
  CHECK_EXIT,
  readBaseline,
  readCatalog,
  readFormats,
  readProfiles,
  readRing,
  usageError,
  writeReports,
} from "./check-options.ts";
import { openPaying } from "./check-paying.ts";
import type { CheckFlags } from "./check-program.ts";
import { tellProgress } from "./check-progress.ts";
import { checkRoutes, readRoutes } from "./check-routes.ts";
import { settingsCommand } from "./check-settings.ts";
import { tellReport, tellResult } from "./check-summary.ts";
import { readHeaders } from "./header-lines.ts";
import { findPackage } from "./package.ts";
import { plain } from "./terminal.ts";
import type { Surroundings } from "./surroundings.ts";

export async function checkCommand(
  url: string,
  flags: CheckFlags,
  { terminal, json, cwd, signal, env }: Surroundings,
): Promise<0 | 1 | 2 | 3> {
  const formats = readFormats(flags.report);
  const out = readPath(flags.out, cwd);
  const ring = readRing(flags.ring);
  refuseIdle(flags, ring);
  if (flags.settings) return settingsCommand(flags, ring, { terminal, json });
  await using paying =
    ring >= 2
      ? await openPaying(url, flags, ring === 3 ? 3 : 2, { terminal, env, signal, cwd })
      : undefined;
  using progress = tellProgress(terminal.note);
  const options: CheckOptions = {
    onProgress: progress.onProgress,
    payer: paying?.payer,
    harness: paying?.harness,
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
      otherBody: flags.otherBody,
      listed: flags.catalog === undefined ? undefined : readCatalog(readPath(flags.catalog, cwd)),
    },
    alsoUrl: flags.alsoUrl,
    rpcUrl: flags.rpc === undefined ? undefined : readUrl("--rpc", flags.rpc),
    version: findPackage()?.version,
    signal,
    onResult: (result) => {
      if (!json) tellResult(result, terminal, flags.verbose ?? false);
    },
  };
  const report =
    flags.openapi === undefined
      ? await check(options)
      : await checkRoutes(await readRoutes(flags.openapi, { ...options, cwd }), options, (line) =>
          terminal.note(plain(line, 300)),
        );
  writeReports(report, { formats, out }, terminal.note);
  if (json) terminal.out(JSON.stringify(report, undefined, 2));
  else tellReport(report, terminal);
  return CHECK_EXIT[report.outcome];
}

/** What would change nothing in this run was meant for another one. */
function refuseIdle(flags: CheckFlags, ring: Ring): void {
  const { keyEnv, maxSpend, serve, deadline, allowMainnet, chaos, settings } = flags;
  if (deadline !== undefined)
    throw usageError("--deadline is for a client's purchase.", "Leave it out, or say --client.");
  const paying = { "--key-env": keyEnv, "--max-spend": maxSpend, "--serve": serve };
  const idle = Object.entries({
    ...paying,
    "--allow-mainnet": allowMainnet,
    "--settings": settings,
  })
    .filter(([, value]) => value !== undefined)
    .at(0)?.[0];
  if (ring < 2 && idle !== undefined) {
    throw usageError(
      `${idle} is for rings 2 and 3, and ring ${ring} pays nothing.`,
      "Say --ring 2, or leave it out.",
    );
  }
  if (ring < 3 && chaos !== undefined)
    throw usageError("--chaos is for ring 3.", "Say --ring 3, or leave it out.");
  if (allowMainnet !== undefined && keyEnv === undefined) {
    throw usageError(
      "--allow-mainnet pays real money from a key of yours, and no --key-env names one.",
      "Say --key-env, --rpc and --max-spend too, or leave it out: without a key it is play money.",
    );
  }
}
