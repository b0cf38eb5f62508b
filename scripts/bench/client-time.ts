/**
 * What paying costs the caller beyond two bare round trips to the same server: parsing, policy, the durable ledger, the signature in a
 * process of its own. The clients take turns in one run, against one server that believes every payment, so that no chain is waited for;
 * the stock ones keep no ledger. Our row is how much more we take than the fastest of them; what bounds it is four commits, each with
 * a disk sync, a read of the chain's clock, and the way to the signer and back.
 */
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import type { Chain } from "../../chain/index.ts";
import { createPayingFetch, startSignerProcess, Wallet } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, encodeJson, Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";
import { fetchV1, fetchV2 } from "../../test/middleware/stock-clients.ts";
import { openTestChain } from "../../test/support/chain.ts";
import { type Bench, median } from "./bench.ts";

const ROUNDS = 200;
const WARM_UP = 30;
const PAY_TO = `0x${"dd".repeat(20)}` as const;

export const clientTime: Bench = {
  name: "client time over the fastest stock client",
  unit: "ms",
  target: 1,
  better: "lower",
  async measure() {
    const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
    await using chain = await openTestChain();
    await using server = await openServer();
    await using signer = await startSignerProcess({ keyFile: join(folder, "key") });
    const ledger = openLedger({ path: join(folder, "ledger.sqlite"), bytesKey: key(1) });
    try {
      const wallet = new Wallet({
        ledger,
        signer,
        chain: believing(chain.chain),
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
      const clients = {
        bare: bareTwice,
        purser: createPayingFetch({ wallet, policy, scope: "bench" }),
        "x402-fetch": await fetchV1(account, chain.rpcUrl),
        "@x402/fetch": fetchV2(account),
      };
      const times = await takeTurns(clients, server.url);
      const over = (name: keyof typeof clients) => median(times[name]) - median(times.bare);
      const stock = (["x402-fetch", "@x402/fetch"] as const).map(
        (name) => [name, over(name)] as const,
      );
      const [bestName, best] = stock.toSorted(([, a], [, b]) => a - b)[0]!;
      const figures = [...stock, ["purser", over("purser")] as const];
      const text = figures.map(([name, ms]) => `${name} ${ms.toFixed(2)} ms`).join(", ");
      process.stderr.write(`  beyond two bare round trips: ${text}; the fastest is ${bestName}\n`);
      return { ours: over("purser") - best };
    } finally {
      ledger.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function takeTurns<Name extends string>(
  clients: Record<Name, typeof fetch>,
  base: string,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(clients) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    for (const name of names) {
      const start = performance.now();
      const response = await clients[name](`${base}/${name}/${round}`);
      await response.text();
      if (response.status !== 200) throw new Error(`${name} was answered ${response.status}`);
      if (round >= WARM_UP) times[name].push(performance.now() - start);
    }
  }
  return times;
}

const bareTwice: typeof fetch = async (input) => {
  await (await fetch(input)).text();
  return fetch(input, { headers: { "X-PAYMENT": "x" } });
};

/** Asks in both versions at once, and takes whatever it is given. */
async function openServer() {
  let url = "";
  const terms = {
    scheme: "exact",
    asset: BASE_SEPOLIA_USDC.address,
    payTo: PAY_TO,
    maxTimeoutSeconds: 60,
  };
  const extra = { name: "USDC", version: "2" };
  const { network, networkName } = BASE_SEPOLIA_USDC;
  const server = createServer((request, response) => {
    const paid = request.headers["x-payment"] ?? request.headers["payment-signature"];
    if (paid !== undefined) {
      response.setHeader("content-type", "application/json").end('{"ok":true}');
      return;
    }
    const resource = url + (request.url ?? "");
    const v2 = { ...terms, network, amount: "10000", extra };
    const v1 = {
      ...terms,
      network: networkName,
      maxAmountRequired: "10000",
      resource,
      description: "",
      mimeType: "",
      extra,
    };
    response
      .writeHead(402, {
        "content-type": "application/json",
        "PAYMENT-REQUIRED": encodeJson({
          x402Version: 2,
          resource: { url: resource },
          accepts: [v2],
        }),
      })
      .end(JSON.stringify({ x402Version: 1, error: "", accepts: [v1] }));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", () => resolve());
  await promise;
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The real chain, except that every payment is settled the moment it is asked about: confirmation is not counted. */
function believing(chain: Chain): Chain {
  const transaction = `0x${"ab".repeat(32)}` as const;
  return {
    ...chain,
    readAuthorization: async () => ({ state: "settled", transaction, finalized: true }) as never,
  };
}

function key(fill: number): Secret<Uint8Array> {
  return new Secret(new Uint8Array(32).fill(fill));
}
