/**
 * What paying costs the caller beyond two bare round trips to the same server: parsing, policy, the durable ledger, the signature in a
 * process of its own. The clients take turns in one run, against one server that believes every payment, so that no chain is waited for;
 * the stock ones keep no ledger. Our row is how much more we take than the fastest of them. What bounds it is a commit with its
 * disk sync and the way to the signer and back; the note says what these cost alone, here and now.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import type { Chain } from "../../chain/index.ts";
import {
  createPayingFetch,
  type Signer,
  startSignerProcess,
  Wallet,
} from "../../middleware/index.ts";
import { Secret } from "../../protocol/index.ts";
import { openDatabase, openLedger } from "../../store/index.ts";
import { fetchMppx, fetchV1, fetchV2 } from "../../test/middleware/stock-clients.ts";
import { openTestChain } from "../../test/support/chain.ts";
import { openBelievingServer, PAY_TO } from "./believing-server.ts";
import { type Bench, median } from "./bench.ts";

/** Calls of each client that count. */
const CALLS = 400;
/** So many first that everything is compiled, as in a program that pays all day. */
const WARM_UP = 300;
/** Calls in a turn: a program has one client, and none of them is measured by what four others have left in the processor's caches. */
const TURN = 20;

export const clientTime: Bench = {
  name: "client time over the fastest stock client",
  unit: "ms",
  target: 1,
  better: "lower",
  async measure() {
    const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
    await using chain = await openTestChain();
    await using server = await openBelievingServer();
    await using child = await startSignerProcess({ keyFile: join(folder, "key") });
    const signatures = timed(child);
    const ledger = openLedger({ path: join(folder, "ledger.sqlite"), bytesKey: key(1) });
    try {
      const believing = believingChain(chain.chain);
      const wallet = new Wallet({
        ledger,
        signer: signatures.signer,
        chain: believing,
        nonceSecret: key(2),
      });
      const policy = {
        providers: [{ id: "bench", origins: [server.url], payees: [PAY_TO], maxPerMonth: "1000" }],
        maxPerCall: "0.01",
        maxPerMonth: "1000",
        maxCallsPerMinute: 10_000,
        local: true,
      };
      const account = privateKeyToAccount(generatePrivateKey());
      await using purser = createPayingFetch({ wallet, policy, scope: "bench" });
      const clients = {
        bare: bareTwice,
        purser,
        "x402-fetch": await fetchV1(account, chain.rpcUrl),
        "@x402/fetch": fetchV2(account),
        mppx: fetchMppx(account),
      };
      const times = await takeTurns(clients, server.url, () => purser.idle());
      const over = (name: keyof typeof clients) => median(times[name]) - median(times.bare);
      const stock = (["x402-fetch", "@x402/fetch", "mppx"] as const).map(
        (name) => [name, over(name)] as const,
      );
      const [bestName, best] = stock.toSorted(([, a], [, b]) => a - b)[0]!;
      const figures = [...stock, ["purser", over("purser")] as const];
      const text = figures.map(([name, ms]) => `${name} ${ms.toFixed(2)} ms`).join(", ");
      process.stderr.write(`  beyond two bare round trips: ${text}; the fastest is ${bestName}\n`);
      const [commit, signature] = [timeCommits(folder), median(signatures.times)];
      const bound = commit + signature;
      return {
        ours: over("purser") - best,
        note: `bounded by a commit and its sync (${commit.toFixed(2)} ms) and a signature (${signature.toFixed(2)} ms): ${bound.toFixed(2)} of our ${over("purser").toFixed(2)} ms`,
      };
    } finally {
      ledger.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function takeTurns<Name extends string>(
  clients: Record<Name, typeof fetch>,
  base: string,
  rest: () => Promise<void>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(clients) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let first = 0; first < WARM_UP + CALLS; first += TURN) {
    for (const name of names) {
      for (let call = first; call < first + TURN; call += 1) {
        const start = performance.now();
        const response = await clients[name](`${base}/${name}/${call}`);
        await response.text();
        if (response.status !== 200) throw new Error(`${name} was answered ${response.status}`);
        if (first >= WARM_UP) times[name].push(performance.now() - start);
        // What we leave to the background must not fall into the next call's time.
        await rest();
      }
    }
  }
  return times;
}

const bareTwice: typeof fetch = async (input) => {
  await (await fetch(input)).text();
  return fetch(input, { headers: { "X-PAYMENT": "x" } });
};

/** The real chain, except that every payment is settled the moment it is asked about: confirmation is not counted. */
function believingChain(chain: Chain): Chain {
  const transaction = `0x${"ab".repeat(32)}` as const;
  return {
    ...chain,
    readAuthorization: async () => ({ state: "settled", transaction }) as never,
  };
}

/** What a commit of one row costs, in milliseconds. */
function timeCommits(folder: string): number {
  using db = openDatabase(join(folder, "commits.sqlite"));
  db.exec("CREATE TABLE line (text TEXT)");
  const times = Array.from({ length: 50 }, () => {
    const start = performance.now();
    db.run("INSERT INTO line (text) VALUES ('x')");
    return performance.now() - start;
  });
  return median(times);
}

/** The signer, and how long each way to it and back took, in milliseconds. */
function timed(signer: Signer): { signer: Signer; times: number[] } {
  const times: number[] = [];
  const sign: Signer["sign"] = async (intent) => {
    const start = performance.now();
    const signature = await signer.sign(intent);
    times.push(performance.now() - start);
    return signature;
  };
  return { signer: { ...signer, sign }, times };
}

function key(fill: number): Secret<Uint8Array> {
  return new Secret(new Uint8Array(32).fill(fill));
}
