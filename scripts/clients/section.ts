/** The clients' half of `docs/interop.md`: each stock client, and ours, against every trap of `purser check --client`. */
import {
  checkClient,
  functionClient,
  type LocalWorld,
  type Report,
} from "../../conformance/index.ts";
import { caseList, findingTables } from "./findings.ts";
import { purserClient } from "./purser.ts";
import { STOCK_CLIENTS } from "./stock.ts";

const HEAD = `# Clients

What unmodified paying clients do when \`purser check --client\` sets traps for them: hostile shops on this machine, a real chain with play
money. Each is set up as its README has it and told the most that it may pay (0.02) where it has an option for that; x402-axios 0.7.2 and
@x402/axios 2.11.0 have none. Recipients are told too, and no stock client has an option for them: a policy hook of the caller's own can do it.
"Lost" is what the thieves took on the chain beyond the one payment that was right, in atomic units (10000 are one cent).
A client that has its own limits around it may be safe where its row says fail; the row says what the package does by itself.

To see one again: \`node cli/main.ts check --client "node scripts/client.ts x402-fetch"\`, with \`--only CLIENT-21\` for one case. What
each case costs, and what mends it, stands [below](#what-the-clients-cases-are-about).`;

/** Runs them all, in seconds each. */
export async function clientsSection(
  world: LocalWorld,
  tell: (line: string) => void,
): Promise<string> {
  using ours = purserClient();
  const clients = { ...STOCK_CLIENTS, "purser (createPayingFetch)": ours.pay };
  const reports: [string, Report][] = [];
  for (const [name, pay] of Object.entries(clients)) {
    const report = await checkClient({ client: functionClient(pay), name, world });
    reports.push([name, report]);
    tell(`${name}: ${report.outcome}`);
  }
  return render(reports);
}

function render(all: readonly (readonly [string, Report])[]): string {
  const lines = [
    HEAD,
    "",
    "| client | protocols | pass | fail | warn | lost |",
    "| --- | --- | --- | --- | --- | --- |",
    ...all.map(
      ([name, { profiles, counts, client }]) =>
        `| ${name} | ${profiles.join(", ")} | ${counts.pass} | ${counts.fail} | ${counts.warn} | ${client?.lost} |`,
    ),
    ...findingTables(all, cell),
    ...caseList("What the clients' cases are about", all),
  ];
  return `${lines.join("\n")}\n`;
}

/** Addresses are new in each run, and would make each run another page. */
function cell(text: string): string {
  return text
    .replace(/0x[0-9a-fA-F]{40}/g, "0x…")
    .replace(/\d{30,}/g, (digits) => `${digits.slice(0, 6)}… (${digits.length} digits)`)
    .replace(/valid for 3153\d{4} s/g, "valid for a year")
    .replace(/[|<>]/g, "\\$&")
    .slice(0, 400);
}
