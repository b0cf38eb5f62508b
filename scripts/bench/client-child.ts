/** One paying client in a process of its own, which calls the server at the URL it is given; ours with its ledger on disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { type Chain, openChain } from "../../chain/index.ts";
import { type Signer, startSignerProcess } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { fetchMppx, fetchV1, fetchV2 } from "../../test/middleware/stock-clients.ts";
import { PAY_TO } from "./believing-server.ts";
import { openOwnClient } from "./own-client.ts";
import { takeTurns } from "./turn-process.ts";

/** So many calls, one after the other. */
export interface ClientTurn {
  readonly calls: number;
}

/** In milliseconds: of each call, and of each way to the signer and back, where the signer is another process. */
export interface ClientTimes {
  readonly calls: number[];
  readonly signatures: number[];
}

interface Client {
  readonly fetch: typeof fetch;
  /** Waits for what is done in the background: it must not fall into the next call's time. */
  readonly rest?: () => Promise<void>;
}

const [name = "", url = "", rpcUrl = ""] = process.argv.slice(2);
const account = privateKeyToAccount(generatePrivateKey());
const signatures: number[] = [];
const CLIENTS: Readonly<Record<string, () => Client | Promise<Client>>> = {
  bare: () => ({ fetch: bareTwice }),
  purser: openPurser,
  "x402-fetch": async () => ({ fetch: await fetchV1(account, rpcUrl) }),
  "@x402/fetch": () => ({ fetch: fetchV2(account) }),
  mppx: () => ({ fetch: fetchMppx(account) }),
};

const client = await CLIENTS[name]!();
let count = 0;
await takeTurns(async ({ calls }: ClientTurn): Promise<ClientTimes> => {
  const times: number[] = [];
  signatures.length = 0;
  for (let call = 0; call < calls; call += 1) {
    const start = performance.now();
    const response = await client.fetch(`${url}/${name}/${(count += 1)}`);
    await response.text();
    if (response.status !== 200) throw new Error(`${name} was answered ${response.status}`);
    times.push(performance.now() - start);
    await client.rest?.();
  }
  return { calls: times, signatures };
});
process.exit();

async function bareTwice(...[input]: Parameters<typeof fetch>): Promise<Response> {
  await (await fetch(input)).text();
  return fetch(input, { headers: { "X-PAYMENT": "x" } });
}

async function openPurser(): Promise<Client> {
  const folder = mkdtempSync(join(tmpdir(), "purser-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const chain = await openChain({ rpcUrl, asset: BASE_SEPOLIA_USDC });
  const signer = timed(await startSignerProcess({ keyFile: join(folder, "key") }));
  const client = { folder, signer, chain: believing(chain), url, payTo: PAY_TO };
  const purser = openOwnClient(client);
  return { fetch: purser, rest: () => purser.idle() };
}

/** The real chain, except that every payment is settled the moment it is asked about: confirmation is not counted. */
function believing(chain: Chain): Chain {
  const transaction = `0x${"ab".repeat(32)}` as const;
  return {
    ...chain,
    readAuthorization: async () => ({ state: "settled", transaction }) as never,
  };
}

function timed(signer: Signer): Signer {
  const sign: Signer["sign"] = async (intent) => {
    const start = performance.now();
    const signature = await signer.sign(intent);
    signatures.push(performance.now() - start);
    return signature;
  };
  return { ...signer, sign };
}
