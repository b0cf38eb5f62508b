/** A process that pays: the real book, wallet and paying calls, over the simulated disk, signer, chain and network. */
import { type Chain } from "../../chain/index.ts";
import { createPayer, payCall, type PayOutcome, Wallet } from "../../middleware/index.ts";
import { Secret } from "../../protocol/index.ts";
import type { Ledger } from "../../store/index.ts";
import { LedgerBook } from "../../store/ledger-book.ts";
import type { CallersWallet } from "./mutant.ts";
import { openNetwork } from "./network.ts";
import type { ItemPlan } from "./plan.ts";
import { openRpc } from "./rpc-double.ts";
import type { Actor } from "./scheduler.ts";
import { openSigner } from "./signer-double.ts";
import { catalogPort, policyOf, quoteOf } from "./terms.ts";
import type { World } from "./world.ts";

export const BYTES_KEY = new Secret(new Uint8Array(32).fill(1));
const NONCE_SECRET = new Secret(new Uint8Array(32).fill(2));

export interface WalletProcess {
  readonly wallet: Wallet;
  readonly ledger: Ledger;
  /** Asks for an item, through one door or the other; `call` is a name of its own. */
  readonly buy: (item: ItemPlan, call: string, signal?: AbortSignal) => Promise<PayOutcome>;
  /** As opening it does: damage is found. */
  readonly check: () => Promise<void>;
}

export function openProcess(world: World, actor: Actor): WalletProcess {
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
    recovery: false,
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
