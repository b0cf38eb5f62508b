/** The servers' half of `docs/interop.md`: each stock server, and ours, in rings 0 to 3, started and killed by the tester. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  check,
  openHarness,
  type Report,
  type ServedCommand,
  servedCommand,
  startServed,
} from "../../conformance/index.ts";
import { caseList, findingTables } from "../clients/findings.ts";
import { SERVERS } from "./stock.ts";

const HEAD = `# Interoperability

What unmodified servers do when \`purser check\` tests them in rings 0 to 3. Made by \`npm run interop\`, which takes some minutes and
nothing but this checkout: each server is set up as its README has it, sells two routes at one price, and settles through our
facilitator on a local chain, with the tester's faults between them. What is a finding and what our policy, [checking](check.md) says.

To see a row again:

\`\`\`sh
purser check http://127.0.0.1:4021/a --sibling /b --ring 3 --serve "node scripts/server.ts x402-express" --only WORK-07
\`\`\`

Each row is a report in short: the case, and what was seen of the package by itself. What it costs, where it is written and the lines that
mend it stand [below](#what-the-cases-are-about), once for each case. A seller who has a store of used payments, a cache rule or a router of
its own around the package may be right where its row says fail.

\`@x402/fastify\` is not in the npm registry (November 2026), and so not in the table; \`x402-next\` and \`@x402/next\` need a whole
Next.js application and are not tested.

Our facilitator answers a repeated \`/settle\` of the same payment with its first success. A server that keeps no record of its own
then sells again for it: RPLY-02, RPLY-03, RPLY-04, RPLY-06 and MPP-12 show that pair, not the server alone. HTTP-01, PATH-01 and WORK-18 are one
finding seen from three sides: where only GET is named as paid, the framework answers HEAD with the handler of GET.`;

/** So many at a time: they mostly wait for silent facilitators. */
const LANES = 3;

export async function serversSection(tell: (line: string) => void): Promise<string> {
  const reports = new Map<string, Report>();
  const waiting = Object.keys(SERVERS);
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const report = await checkServer(name);
      reports.set(name, report);
      tell(`${name}: ${report.outcome} in ${(report.ms / 1000).toFixed(0)} s`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return render(Object.keys(SERVERS).map((name) => [name, reports.get(name)!]));
}

async function checkServer(name: string): Promise<Report> {
  const url = `http://127.0.0.1:${await freePort()}/a`;
  const folder = mkdtempSync(join(tmpdir(), "purser-interop-"));
  try {
    const own = { PORT: new URL(url).port, DATABASE: join(folder, "sales.sqlite") };
    let served: ServedCommand | undefined;
    await using harness = await openHarness({
      server: (settings) =>
        (served = servedCommand({
          command: `exec "${process.execPath}" scripts/server.ts ${name.split(" ")[0]}`,
          cwd: new URL("../..", import.meta.url).pathname,
          env: process.env,
          settings: { ...settings, ...own },
          url,
        })),
    });
    await startServed(served!, url);
    return await check({ url, ring: 3, harness, expect: { sibling: "/b" } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  return port;
}

function render(all: readonly (readonly [string, Report])[]): string {
  const lines = [
    HEAD,
    "",
    "| server | protocols | pass | fail | warn | cannot-assess |",
    "| --- | --- | --- | --- | --- | --- |",
    ...all.map(
      ([name, { profiles, counts }]) =>
        `| ${name} | ${profiles.join(", ")} | ${counts.pass} | ${counts.fail} | ${counts.warn} | ${counts["cannot-assess"]} |`,
    ),
    ...findingTables(all, cell),
    ...caseList("What the cases are about", all),
  ];
  return `${lines.join("\n")}\n`;
}

/** Ports and transactions are new in each run, and would make each run another page. */
function cell(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1")
    .replace(/0x[0-9a-f]{40,}/gi, "0x…")
    .replace(/[|<>]/g, "\\$&")
    .slice(0, 300);
}
