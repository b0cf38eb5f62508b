/**
 * One life of a process that pays: the real book, wallet and paying calls over the simulated disk, signer, chain and network. Its
 * people ask for things, some of them the same thing as others; recovery runs at start and now and then.
 */
import { type Chain } from "../../chain/index.ts";
import {
  createPayer,
  payCall,
  type PayOutcome,
  type Quote,
  Wallet,
  type WalletPort,
} from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, PurserError, readOrderedOffer, Secret } from "../../protocol/index.ts";
import type { Ledger } from "../../store/index.ts";
import { LedgerBook } from "../../store/ledger-book.ts";
import type { CallersWallet } from "./mutant.ts";
import { openNetwork } from "./network.ts";
import { type ItemPlan, policyOf } from "./plan.ts";
import { openRpc } from "./rpc-double.ts";
import type { Actor } from "./scheduler.ts";
import { openSigner } from "./signer-double.ts";
import type { World } from "./world.ts";

export const BYTES_KEY = new Secret(new Uint8Array(32).fill(1));
const NONCE_SECRET = new Secret(new Uint8Array(32).fill(2));
const RECOVER_EVERY_MS = 10_000;

export interface WalletProcess {
  readonly wallet: Wallet;
  readonly ledger: Ledger;
  /** Asks for an item, through one door or the other; `call` is a name of its own. */
  readonly buy: (item: ItemPlan, call: string, signal?: AbortSignal) => Promise<PayOutcome>;
  /** As opening it does: damage is found. */
  readonly check: () => Promise<void>;
}

function openProcess(world: World, actor: Actor): WalletProcess {
  const { scheduler, disk, plan, mutant } = world;
  const now = () => scheduler.clockOf(actor);
  const store = disk.open(actor);
  const book = new LedgerBook(mutant.store?.(store, world, actor) ?? store, {
    bytesKey: BYTES_KEY,
    now,
  });
  const ledger = mutant.ledger?.(book, world, actor) ?? book;
  const rpc = openRpc(world, actor);
  const chain: Chain = mutant.chain?.(rpc, world, actor) ?? rpc;
  const wallet = new Wallet({
    ledger,
    signer: openSigner(world, actor),
    chain,
    nonceSecret: NONCE_SECRET,
    now,
    trace: { append: world.onTrace },
    ...mutant.walletOptions,
  });
  const port: CallersWallet = mutant.wallet?.(wallet, ledger) ?? wallet;
  const network = openNetwork(world, actor);
  const fetch = mutant.fetch?.(network) ?? network;
  const pay = createPayer({
    wallet: port,
    policy: policyOf(plan),
    scope: "p",
    fetch,
    now,
    timeoutMs: plan.timeoutMs,
    confirm: plan.confirm,
    onError: (error) => world.fail(error),
  });
  const { timeoutMs } = plan;
  return {
    wallet,
    ledger,
    check: () => book.check(),
    buy: (item, call, signal) => {
      const { url, body, key } = item;
      const headers = { "x-call": call, "content-type": "application/json" };
      if (item.door === "fetch") {
        const all = { ...headers, "idempotency-key": key };
        return pay(url, { method: "POST", body, headers: all, ...(signal ? { signal } : {}) });
      }
      const quote = quoteOf(item);
      const order = { service: quote.service, operation: "create", inputs: {} };
      return payCall({
        request: { ...quote.request, headers },
        quote,
        purchase: { id: `pur_${key}`, ...order },
        wallet: catalogPort(port, world, item, now),
        fetch,
        now,
        timeoutMs,
        signal,
      });
    },
  };
}

/** What a catalog would say of an item: its own price and payee. */
function quoteOf({ shop, url, body, price }: ItemPlan): Quote {
  return {
    provider: shop.id,
    service: `${shop.id}/items`,
    request: { method: "POST", url, body },
    maxAmount: price,
    currency: "usd",
    payTo: [shop.payTo],
    assets: [BASE_SEPOLIA_USDC],
  };
}

function catalogPort(
  wallet: CallersWallet,
  { plan }: World,
  item: ItemPlan,
  now: () => number,
): WalletPort {
  const { shop, key } = item;
  const cap = { kind: "cap", perMonth: true } as const;
  return {
    find: (purchase) => wallet.find(purchase),
    report: (purchase, outcome) => wallet.report(purchase, outcome),
    authorize: ({ offer }) =>
      wallet.authorize({
        purchase: `pur_${key}`,
        quote: quoteOf(item),
        offer: readOrderedOffer(offer, { url: item.url, now: now() }),
        scopes: [
          { ...cap, name: `provider:p/${shop.id}`, max: shop.cap },
          { ...cap, name: "wallet", max: plan.walletCap },
        ],
      }),
  };
}

/** Its life: recovery, people who buy, recovery again and again. A failure that is not one of ours is a bug, and rejects. */
export async function live(world: World, actor: Actor): Promise<void> {
  const { scheduler, chance, plan } = world;
  const process = openProcess(world, actor);
  if (!(await isSound(process, world, actor))) return;
  world.opened(actor, process);
  await recover(process, world, actor);
  for (let caller = 0; caller < plan.callers; caller += 1) {
    shop(process, world, actor).catch((error: unknown) => world.fail(error));
  }
  for (;;) {
    await scheduler.sleep(RECOVER_EVERY_MS + chance.int(0, 1_000), actor);
    await recover(process, world, actor);
  }
}

/** A process that finds its book damaged ends there. */
async function isSound({ check }: WalletProcess, { history }: World, actor: Actor) {
  try {
    await check();
    return true;
  } catch (error) {
    if (!(error instanceof PurserError)) throw error;
    history.note(actor, `does not open: ${error.code}`);
    return false;
  }
}

async function recover({ wallet }: WalletProcess, { history }: World, actor: Actor) {
  try {
    history.note(actor, `recovers, ${(await wallet.recover()).length} open`);
  } catch (error) {
    if (!(error instanceof PurserError)) throw error;
    history.note(actor, `cannot recover: ${error.code}`);
  }
}

async function shop(process: WalletProcess, world: World, actor: Actor): Promise<void> {
  const { scheduler, chance, plan } = world;
  for (let call = 0; call < plan.calls; call += 1) {
    await scheduler.sleep(chance.int(0, 20_000), actor);
    if (!world.faulty) return;
    await world.buy(process, actor, chance.pick(plan.items));
  }
}
