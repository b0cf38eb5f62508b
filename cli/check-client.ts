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
import type { CheckFlags } from "./check-program.ts";
import { tellReport, tellResult } from "./check-summary.ts";
import { findPackage } from "./package.ts";
import type { Surroundings } from "./surroundings.ts";

const KEY_ENV = "PRIVATE_KEY";

export async function checkClientCommand(
  { mode, command }: { mode: ClientMode; command: string },
  flags: CheckFlags,
  { terminal, json, cwd, signal, env }: Surroundings,
): Promise<0 | 1 | 2 | 3> {
  const formats = readFormats(flags.report);
  const out = readPath(flags.out, cwd);
  const profiles = readProfiles(flags.profile);
  const keyEnv = flags.keyEnv ?? KEY_ENV;
  // Only a key that was named: one that happens to be in the environment may be worth something.
  const key = flags.keyEnv === undefined ? undefined : readKey(keyEnv, env);
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
  const report = await checkClient({
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

/** A key of the user's own, such as one that a wallet was made of before; the client is handed a new one where there is none. */
function readKey(name: string, env: Surroundings["env"]): `0x${string}` | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw usageError(
      `"${name.slice(0, 40)}" is not the name of a variable.`,
      "Write one such as PRIVATE_KEY.",
    );
  }
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text as `0x${string}`;
  throw usageError(
    `${name} does not hold a private key.`,
    "Put a throw-away key in it (0x and 64 hexadecimal digits), or leave it empty and a new one is made.",
  );
}
