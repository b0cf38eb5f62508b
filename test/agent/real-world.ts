/** The real parties around an agent: chain, facilitator, wallet, orchestrator, and a provider that nobody has seen before. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { privateKeyToAccount, generatePrivateKey } from "viem/accounts";
import { accountSigner, Wallet } from "../../middleware/index.ts";
import { type Orchestrator, startOrchestrator } from "../../orchestrator/index.ts";
import { type HumanAsk, Secret, type TraceEvent } from "../../protocol/index.ts";
import { startProvider } from "../../provider/index.ts";
import { openLedger } from "../../store/index.ts";
import { openMarket } from "../middleware/shop.ts";
import { type Lighthouse, lighthouse } from "./lighthouse.ts";
import { newFolder } from "../support/temporary.ts";

export interface RealWorld extends AsyncDisposable {
  orchestrator: Orchestrator;
  opened: Lighthouse;
  project: string;
  events: TraceEvent[];
  asks: HumanAsk[];
  /** As much of a desk as a run needs. */
  desk: { url: string; token: Secret };
  /** What the buyer has paid, in atomic units. */
  spent(): Promise<bigint>;
}

const FUNDS = 1_000_000_000n;
const ISSUER = "https://orchestrator.example";

export async function openRealWorld({
  budget,
  taken,
  terms = "accept",
}: {
  budget: bigint;
  taken?: string[];
  terms?: "accept" | "decline";
}): Promise<RealWorld> {
  await using stack = new AsyncDisposableStack();
  const dir = newFolder("agent");
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const market = stack.use(await openMarket());
  const { chain } = market.chain;
  const account = await market.chain.newPayer(FUNDS);
  const ledger = openLedger({
    path: join(dir, "ledger.db"),
    bytesKey: new Secret(new Uint8Array(32)),
  });
  stack.defer(() => ledger.close());
  const nonceSecret = new Secret(new Uint8Array(32).fill(7));
  const events: TraceEvent[] = [];
  const asks: HumanAsk[] = [];
  const { url, orchestrator } = stack.use(
    await startOrchestrator({
      dir: join(dir, "orchestrator"),
      issuer: ISSUER,
      user: { id: "usr_1", email: "ada@example.com", name: "Ada", emailVerified: true },
      human: {
        ask(ask) {
          asks.push(ask);
          return Promise.resolve({ answer: ask.kind === "terms" ? terms : "accept" });
        },
      },
      wallet: new Wallet({ ledger, signer: accountSigner(account), chain, nonceSecret }),
      ledger,
      trace: { append: (event) => void events.push(event) },
    }),
  );
  const provider = stack.use(
    await startProvider(lighthouse(taken), {
      dir: join(dir, "pharos"),
      facilitatorUrl: market.facilitator.url,
      payTo: privateKeyToAccount(generatePrivateKey()).address,
      asset: market.chain.asset,
      trust: [{ issuer: ISSUER, clientId: ISSUER, keysUrl: `${url}/.well-known/jwks.json` }],
    }),
  );
  orchestrator.addProvider(provider.url);
  const project = orchestrator.createProject({ name: "nimbus" }).id;
  const { token } = orchestrator.startRun({ project, budget, expiresAt: Date.now() + 3_600_000 });
  const parts = stack.move();
  return {
    orchestrator,
    opened: provider.opened,
    project,
    events,
    asks,
    desk: { url, token },
    spent: async () => FUNDS - (await chain.balanceOf(account.address)),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
