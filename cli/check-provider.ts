/** `purser check-provider`: tries the contract at somebody's provider, and says what to mend and whom to trust to try the rest. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  checkProvider,
  newTesterIdentity,
  openProviderTester,
  type ProviderReport,
  type ProviderResult,
  TesterIdentity,
} from "../conformance/index.ts";
import { readPath } from "./arguments.ts";
import { CHECK_EXIT, usageError } from "./check-options.ts";
import type { CheckProviderFlags } from "./check-provider-program.ts";
import { makeFolder } from "./make-folder.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain, type Terminal } from "./terminal.ts";

export async function checkProviderCommand(
  url: string,
  { identity = ".purser/check-provider.json", verbose = false, only }: CheckProviderFlags,
  { terminal, json, cwd, signal }: Surroundings,
): Promise<0 | 1 | 2 | 3> {
  if (!["http:", "https:"].includes(URL.parse(url)?.protocol ?? ""))
    throw usageError(
      `"${url.slice(0, 80)}" is not the URL of a provider.`,
      "Write it as http://127.0.0.1:4101.",
    );
  const file = readPath(identity, cwd);
  await using tester = await openProviderTester(await readIdentity(file));
  keepIdentity(file, tester.identity);
  const report = await checkProvider({
    url,
    tester,
    only,
    signal,
    onResult: (result) => {
      if (!json && (verbose || result.verdict === "fail")) tellResult(result, terminal);
    },
  });
  if (json) terminal.out(JSON.stringify({ ...report, trust: tester.trust }, undefined, 2));
  else tellReport(report, tester.trust, terminal);
  return CHECK_EXIT[report.outcome];
}

async function readIdentity(file: string): Promise<TesterIdentity> {
  if (!existsSync(file)) return newTesterIdentity();
  try {
    return TesterIdentity.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    throw usageError(
      `${file} is not a tester's identity.`,
      "Give another --identity file; it is made where it is not there.",
    );
  }
}

function keepIdentity(file: string, identity: TesterIdentity): void {
  makeFolder(dirname(file));
  writeFileSync(file, `${JSON.stringify(identity, undefined, 2)}\n`, { mode: 0o600 });
}

function tellResult(
  { id, title, verdict, seen = "", mend, basis }: ProviderResult,
  { note, paint }: Terminal,
): void {
  const colour = { pass: paint.good, fail: paint.bad, "not-tried": paint.dim }[verdict];
  note(`${colour(verdict.padEnd(9))} ${id} ${title}`);
  if (verdict === "not-tried") note(paint.dim(`  ${seen}`));
  if (verdict !== "fail") return;
  note(`  Seen: ${plain(seen, 600)}`);
  note(`  Mend: ${mend}`);
  note(paint.dim(`  ${basis}`));
}

function tellReport(
  { results, provider, outcome, trusted }: ProviderReport,
  trust: object,
  { out, paint }: Terminal,
): void {
  const count = (verdict: ProviderResult["verdict"]) =>
    results.filter((result) => result.verdict === verdict).length;
  out(
    `${plain(provider.name, 100)} (${provider.id}): ${count("pass")} hold, ${count("fail")} do not, ${count("not-tried")} ${count("not-tried") === 1 ? "was" : "were"} not tried.`,
  );
  if (!trusted) {
    out(
      "The provider does not trust this tester. Add it to the orchestrators that it trusts, and run this again:",
    );
    out(`  ${JSON.stringify(trust)}`);
  }
  out((outcome === "passed" ? paint.good : paint.bad)(OUTCOMES[outcome]));
}

const OUTCOMES: Readonly<Record<ProviderReport["outcome"], string>> = {
  passed: "The contract holds.",
  failed: "The contract does not hold.",
  incomplete: "It could not be judged.",
};
