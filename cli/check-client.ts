/** `purser check --client` and `--agent`: runs somebody's paying program against traps on this machine, with play money. */
import {
  checkClient,
  type ClientMode,
  commandClient,
  openLocalWorld,
} from "../conformance/index.ts";
import { readCount, readPath } from "./arguments.ts";
import {
  CHECK_EXIT,
  readBaseline,
  readFormats,
  readProfiles,
  usageError,
  writeReports,
} from "./check-options.ts";
import { readKeyEnv } from "./check-key.ts";
import type { CheckFlags } from "./check-program.ts";
import { tellProgress } from "./check-progress.ts";
import { tellReport, tellResult } from "./check-summary.ts";
import { findPackage } from "./package.ts";
import type { Surroundings } from "./surroundings.ts";

const KEY_ENV = "PRIVATE_KEY";

/** Options that say something of an endpoint. */
const OF_ENDPOINTS = {
  request: "-X",
  data: "-d",
  load: "--load",
  seed: "--seed",
  expectPayTo: "--expect-pay-to",
  maxPrice: "--max-price",
  resourceMarker: "--resource-marker",
  sibling: "--sibling",
  alsoUrl: "--also-url",
  otherBody: "--other-body",
  catalog: "--catalog",
  openapi: "--openapi",
  serve: "--serve",
  settings: "--settings",
  chaos: "--chaos",
  rpc: "--rpc",
  maxSpend: "--max-spend",
  allowMainnet: "--allow-mainnet",
  allowPrivate: "--allow-private",
} as const satisfies Partial<Record<keyof CheckFlags, string>>;

export async function checkClientCommand(
  { mode, command }: { mode: ClientMode; command: string },
  flags: CheckFlags,
  { terminal, json, cwd, signal, env }: Surroundings,
): Promise<0 | 1 | 2 | 3> {
  refuseIdle(flags);
  const formats = readFormats(flags.report);
  const out = readPath(flags.out, cwd);
  const profiles = readProfiles(flags.profile);
  const keyEnv = flags.keyEnv ?? KEY_ENV;
  // Only a key that was named: one that happens to be in the environment may be worth something.
  const key = flags.keyEnv === undefined ? undefined : readKeyEnv(keyEnv, env);
  const deadline = flags.deadline;
  const deadlineMs =
    deadline === undefined ? undefined : 1000 * readCount("--deadline", deadline, { max: 3600 });
  const baseline =
    flags.baseline === undefined ? undefined : readBaseline(readPath(flags.baseline, cwd));
  const client = commandClient({ command, keyEnv, cwd, env });
  await using world = await openLocalWorld();
  terminal.note(
    `It is run once for each trap, on this machine alone, and pays with play money of ${key === undefined ? "a new key" : "the key"} in ${keyEnv}.`,
  );
  if (profiles === undefined)
    terminal.note("First it buys from an honest shop, to see which protocols it speaks.");
  using progress = tellProgress(terminal.note);
  const report = await checkClient({
    onProgress: progress.onProgress,
    client,
    name: command,
    mode,
    world,
    key,
    profiles,
    deadlineMs,
    only: flags.only,
    skip: flags.skip,
    baseline,
    strict: flags.strict ?? false,
    version: findPackage()?.version,
    signal,
    onResult: (result) => {
      if (!json) tellResult(result, terminal, flags.verbose ?? false);
    },
  });
  writeReports(report, { formats, out }, terminal.note);
  if (json) terminal.out(JSON.stringify(report, undefined, 2));
  else tellReport(report, terminal);
  return CHECK_EXIT[report.outcome];
}

/** A client is tested on this machine alone, with play money: what would change nothing there was meant for an endpoint. */
function refuseIdle(flags: CheckFlags): void {
  const names = Object.keys(OF_ENDPOINTS) as (keyof typeof OF_ENDPOINTS)[];
  const idle = names.find((name) => flags[name] !== undefined);
  if (idle === undefined) return;
  throw usageError(
    `${OF_ENDPOINTS[idle]} is for an endpoint, and a client is tested with shops and play money of the tester's.`,
    "Leave it out, or give the URL of an endpoint.",
  );
}
