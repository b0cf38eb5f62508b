/**
 * What paying costs the caller beyond two bare round trips to the same server: parsing, policy, the durable ledger, the signature in a
 * process of its own. The clients take turns in one run, each in a process of its own, against one server that believes every payment, so
 * that no chain is waited for; the stock ones keep no ledger. Our row is how much more we take than the fastest of them. What bounds it is a
 * commit with its disk sync and the way to the signer and back; the note says what these cost alone, here and now.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../store/index.ts";
import { openTestChain } from "../../test/support/chain.ts";
import { openBelievingServer } from "./believing-server.ts";
import { type Bench, median } from "./bench.ts";
import type { ClientTimes, ClientTurn } from "./client-child.ts";
import { openTurnProcess, type TurnProcess } from "./turn-process.ts";

/** So many calls first that everything is compiled, as in a program that pays all day. */
const WARM_UP = 1_000;
const ROUNDS = 5;
/** Calls of a turn that do not count: another client has just had the processor's caches. */
const LEAD = 200;
const CALLS = 200;

const STOCK = ["x402-fetch", "@x402/fetch", "mppx"] as const;

type Client = TurnProcess<ClientTurn, ClientTimes>;

export const clientTime: Bench = {
  name: "client time over the fastest stock client",
  unit: "ms",
  target: 1,
  better: "lower",
  async measure() {
    await using chain = await openTestChain();
    await using server = await openBelievingServer();
    await using opened = new AsyncDisposableStack();
    const clients: { client: Client; calls: number[]; signatures: number[] }[] = [];
    for (const name of ["bare", "purser", ...STOCK]) {
      const args = [name, server.url, chain.rpcUrl] as const;
      const client: Client = opened.use(await openTurnProcess("client-child.ts", args));
      await client.take({ calls: WARM_UP });
      clients.push({ client, calls: [], signatures: [] });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { client, calls, signatures } of clients) {
        await client.take({ calls: LEAD });
        const times = await client.take({ calls: CALLS });
        calls.push(...times.calls);
        signatures.push(...times.signatures);
      }
    }
    const [bare, purser, ...stock] = clients.map(({ client, ...times }) => ({
      ...times,
      name: client.name,
      median: median(times.calls),
    }));
    if (!bare || !purser) throw new Error("nothing was measured");
    const over = ({ median: ms }: { median: number }) => ms - bare.median;
    const [best] = stock.toSorted((a, b) => a.median - b.median);
    const figures = [...stock, purser].map((one) => `${one.name} ${over(one).toFixed(2)} ms`);
    process.stderr.write(`  beyond two bare round trips: ${figures.join(", ")}\n`);
    const [commit, signature] = [timeCommits(), median(purser.signatures)];
    return {
      ours: over(purser) - over(best!),
      note: `a commit with its sync takes ${commit.toFixed(2)} ms here, a signature ${signature.toFixed(2)} ms, of our ${over(purser).toFixed(2)} ms`,
    };
  },
};

/** What a commit of one row costs, in milliseconds. */
function timeCommits(): number {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  try {
    using db = openDatabase(join(folder, "commits.sqlite"));
    db.exec("CREATE TABLE line (text TEXT)");
    const times = Array.from({ length: 50 }, () => {
      const start = performance.now();
      db.run("INSERT INTO line (text) VALUES ('x')");
      return performance.now() - start;
    });
    return median(times);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
