/** Wallets that sign, send, resend or believe what they must not. */
import type { PurchaseRecord } from "../../protocol/index.ts";
import type { Ledger } from "../../store/index.ts";
import { change, type Mutant } from "./mutant.ts";

export const CALL_MUTANTS: readonly Mutant[] = [
  {
    name: "gives an amount back when a 402 follows its payment",
    wallet: (wallet, ledger) =>
      change(wallet, {
        async report(purchase, outcome) {
          if (outcome.status === 402) await giveUp(ledger, purchase);
          return wallet.report(purchase, outcome);
        },
      }),
  },
  {
    name: "signs anew for each attempt",
    wallet: (wallet) => change(wallet, { find: () => Promise.resolve(undefined) }),
    ledger: (ledger) =>
      change(ledger, {
        async reserve(reservation) {
          await giveUp(ledger, reservation.purchase);
          return ledger.reserve(reservation);
        },
      }),
  },
  {
    name: "keeps its caps by the server's words",
    wallet: (wallet) =>
      change(wallet, {
        authorize(options) {
          const { sku = "" } = (options.offer.raw["extra"] ?? {}) as { sku?: string };
          const scopes = options.scopes.map((scope) => ({ ...scope, name: scope.name + sku }));
          return wallet.authorize({ ...options, scopes });
        },
      }),
  },
  {
    name: "releases by its own clock",
    chain: (chain, { scheduler }, actor) =>
      change(chain, {
        async readAuthorization(authorization, options) {
          const over =
            BigInt(Math.floor(scheduler.clockOf(actor) / 1000)) >= authorization.validBefore;
          if (over) return { state: "expired", blockNumber: 0n };
          return chain.readAuthorization(authorization, options);
        },
      }),
  },
  {
    name: "releases on a block that is not final",
    chain: (chain) =>
      change(chain, {
        async readAuthorization(authorization, options) {
          const proof = await chain.readAuthorization(authorization, options);
          const over = (await chain.now()) >= authorization.validBefore;
          return proof.state === "unused" && over ? { state: "expired", blockNumber: 0n } : proof;
        },
      }),
  },
  {
    name: "takes a cancellation for final at once",
    chain: (chain) =>
      change(chain, {
        async readAuthorization(authorization, options) {
          const proof = await chain.readAuthorization(authorization, options);
          return proof.state === "cancelled" ? { ...proof, finalized: true } : proof;
        },
      }),
  },
  {
    name: "believes a receipt without asking the chain",
    chain: (chain) =>
      change(chain, {
        async readAuthorization(authorization, options) {
          const transaction = options?.transaction;
          if (!transaction) return chain.readAuthorization(authorization, options);
          return { state: "settled", transaction, blockNumber: 0n };
        },
      }),
  },
  {
    name: "follows a redirect with the payment",
    fetch: (fetch) => async (input, init) => {
      const response = await fetch(input, init);
      const location = response.headers.get("location");
      return location === null ? response : fetch(location, init);
    },
  },
  {
    name: "gives up at recovery what it does not know, and then signs again",
    ledger: (ledger) =>
      change(ledger, {
        async listOpen() {
          const open = await ledger.listOpen();
          for (const { purchase } of open) await giveUp(ledger, purchase);
          return open;
        },
      }),
  },
  {
    name: "lets a payment be usable for as long as the server likes",
    walletOptions: { maxTimeoutSeconds: 1_000_000 },
  },
  {
    name: "makes the bytes anew for each sending",
    wallet: (wallet) =>
      change(wallet, {
        async find(purchase) {
          const record = await wallet.find(purchase);
          return record && respelled(record);
        },
      }),
  },
];

/** Releases a purchase's payment without any proof. */
async function giveUp(ledger: Ledger, purchase: string): Promise<void> {
  const entry = await ledger.find(purchase);
  if (entry && ["sent", "unknown", "claimed"].includes(entry.state)) {
    await ledger.release(entry.nonce, "EXPIRED");
  }
}

/** The same payment in other bytes. */
function respelled(record: PurchaseRecord): PurchaseRecord {
  const { payment } = record;
  if (!payment || payment.value.startsWith("Payment ")) return record;
  const json = Buffer.from(payment.value, "base64").toString("utf8");
  return { ...record, payment: { ...payment, value: Buffer.from(`${json} `).toString("base64") } };
}
