/** An orchestrator with a funded wallet, a real chain and facilitator, and a provider made with the kit that sells resources. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountSigner, Wallet } from "../../middleware/index.ts";
import { type OrchestratorServer, startOrchestrator } from "../../orchestrator/index.ts";
import { Secret } from "../../protocol/index.ts";
import { type Crooked, startProvider } from "../../provider/index.ts";
import { openLedger } from "../../store/index.ts";
import { openMarket } from "../middleware/shop.ts";
import { GREENHOUSE, type Greenhouse } from "../provider/greenhouse.ts";
import { PAY_TO } from "../provider/shop.ts";
import { ISSUER } from "./provider-double.ts";

const ADA = { id: "usr_1", email: "ada@example.com", name: "Ada", emailVerified: true };
const FUNDS = 1_000_000_000n;

export interface GreenhouseWorld extends AsyncDisposable {
  /** The state of both lies below it. */
  dir: string;
  server: OrchestratorServer;
  /** Has the provider do what it does by itself now and then. */
  recover(): Promise<unknown>;
  providerUrl: string;
  opened: Greenhouse;
  project: string;
  /** What happens to calls of the orchestrator to the provider, by their last path segment; a paid one is "payment", the reading of a resource "reading". */
  faults: Map<string, Fault | (() => Fault | undefined)>;
  /** What the provider answers in place of the truth, by the same names. */
  lies: Map<string, (truth: Record<string, unknown>) => object>;
  /** What the provider asks for when it is to be paid, where it cheats. */
  crooked: Crooked;
  clock: { now: number };
  letters: { to: string; text: string }[];
  /** What the wallet has paid, in atomic units. */
  spent(): Promise<bigint>;
}

/** `down`: nobody listens; `slow`: no answer ever; `broken`: a 500 in place of it; `lost`: it is done, and nobody hears of it. */
type Fault = "down" | "slow" | "broken" | "lost";

function faultyFetch(
  faults: GreenhouseWorld["faults"],
  lies: GreenhouseWorld["lies"],
): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    const paid = headers.has("payment-signature") || headers.has("x-payment");
    const url = new URL(input instanceof Request ? input.url : String(input));
    const read = init?.method === "GET" && url.pathname.startsWith("/provisioning/resources/");
    const name = paid ? "payment" : read ? "reading" : (url.pathname.split("/").at(-1) ?? "");
    const said = faults.get(name);
    const fault = typeof said === "function" ? said() : said;
    if (fault === "broken") return new Response("", { status: 500 });
    if (fault === "down") throw new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
    const answer = fault === "slow" ? undefined : await fetch(input, init);
    if (answer && fault === undefined) {
      const lie = lies.get(name);
      return lie ? Response.json(lie((await answer.json()) as Record<string, unknown>)) : answer;
    }
    return new Promise((_, reject) => {
      const signal = init?.signal;
      signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
  };
}

export async function openGreenhouseWorld(): Promise<GreenhouseWorld> {
  await using stack = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), "purser-orchestrator-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const market = stack.use(await openMarket());
  const account = await market.chain.newPayer(FUNDS);
  const bytesKey = new Secret(new Uint8Array(32));
  const ledger = openLedger({ path: join(dir, "ledger.db"), bytesKey });
  stack.defer(() => ledger.close());
  const { chain } = market.chain;
  const nonceSecret = new Secret(new Uint8Array(32).fill(7));
  const faults: GreenhouseWorld["faults"] = new Map();
  const lies: GreenhouseWorld["lies"] = new Map();
  const crooked: Crooked = {};
  // The limits that are tested here are the orchestrator's and the provider's.
  const limits = { maxPerProviderMonth: FUNDS, maxPerMonth: FUNDS };
  const signer = accountSigner(account, { limits });
  const server = stack.use(
    await startOrchestrator({
      dir: join(dir, "orchestrator"),
      issuer: ISSUER,
      user: ADA,
      fetch: faultyFetch(faults, lies),
      timeoutMs: 700,
      human: { ask: () => Promise.resolve({ answer: "accept" }) },
      wallet: new Wallet({ ledger, signer, chain, nonceSecret }),
      ledger,
    }),
  );
  const letters: GreenhouseWorld["letters"] = [];
  const provider = stack.use(
    await startProvider(GREENHOUSE, {
      dir: join(dir, "greenhouse"),
      facilitatorUrl: market.facilitator.url,
      payTo: PAY_TO,
      asset: market.chain.asset,
      trust: [{ issuer: ISSUER, clientId: ISSUER, keysUrl: `${server.url}/.well-known/jwks.json` }],
      mail: (letter) => void letters.push(letter),
      crooked,
    }),
  );
  server.orchestrator.addProvider(provider.url);
  const project = server.orchestrator.createProject({ name: "garden" }).id;
  const parts = stack.move();
  return {
    dir,
    server,
    recover: () => provider.recover(),
    providerUrl: provider.url,
    opened: provider.opened,
    project,
    faults,
    lies,
    crooked,
    clock: { now: Date.now() },
    letters,
    spent: async () => FUNDS - (await chain.balanceOf(account.address)),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
