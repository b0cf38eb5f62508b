/**
 * A wallet that came from a backup. Its book is older than the chain: what was sent since is in no line of it, and counts under no
 * cap. So the folder is marked, nothing is paid from it, and `reconcile` takes what it finds on the chain into the book.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Hex, pad, toEventSelector } from "viem";
import type { Transfer } from "../chain/index.ts";
import type { JoinedWallet } from "../scenarios/index.ts";
import { UsageError } from "./exit.ts";

const USED = toEventSelector("AuthorizationUsed(address,bytes32)");
const TRANSFER = toEventSelector("Transfer(address,address,uint256)");
const WITHOUT_LIMIT = 10n ** 18n;
/** No authorization from before the restore can still be used after this, by the chain's clock. */
const SETTLING_SECONDS = 200n;

const markOf = (folder: string) => join(folder, "restored.json");

export function markRestored(folder: string, madeAt: number): void {
  const text = JSON.stringify({ madeAt, restoredAt: Date.now() });
  writeFileSync(markOf(folder), `${text}\n`, { mode: 0o600, flag: "wx", flush: true });
}

export function isMarked(folder: string): boolean {
  return existsSync(markOf(folder));
}

/** Throws `WALLET_RESTORED` where the wallet must be reconciled before it pays. */
export function requireReconciled(folder: string): void {
  if (!existsSync(markOf(folder))) return;
  throw new UsageError("WALLET_RESTORED", {
    problem: `The wallet in ${folder} was restored from a backup, and its book does not know what was sent since.`,
    nextStep: "Run `purser wallet reconcile`, which finds that on the chain.",
  });
}

/** Takes the mark away, once nothing from before the restore can still move. Says whether it is gone. */
export async function unmark(folder: string, { chain }: JoinedWallet): Promise<boolean> {
  if (!existsSync(markOf(folder))) return true;
  const { restoredAt } = JSON.parse(readFileSync(markOf(folder), "utf8")) as { restoredAt: number };
  const last = BigInt(Math.floor(restoredAt / 1_000)) + SETTLING_SECONDS;
  const { timestamp } = await chain.client.getBlock({ blockTag: "finalized" });
  if (timestamp < last) return false;
  rmSync(markOf(folder));
  return true;
}

/** Books a transfer that the book does not know as settled, in this month, under the wallet's own cap. */
export async function adopt(joined: JoinedWallet, transfer: Transfer): Promise<void> {
  const { ledger } = joined;
  for (const nonce of await noncesOf(joined, transfer)) {
    const { entry } = await ledger.reserve({
      purchase: `found:${nonce}`,
      provider: "found-on-chain",
      service: "found-on-chain/authorization",
      fingerprint: "",
      payTo: transfer.to,
      amount: transfer.value,
      validAfter: 0n,
      validBefore: 0n,
      nonceOf: () => nonce,
      scopes: [{ name: "wallet", kind: "cap", max: WITHOUT_LIMIT, perMonth: true }],
    });
    if (entry.state === "settled") continue;
    await ledger.markSent(nonce, { name: "PAYMENT-SIGNATURE", value: "" });
    await ledger.markSettled(nonce, transfer.transaction);
  }
}

/** The authorizations that such a transfer in this transaction came from: the event right before it says. */
async function noncesOf(
  { chain, wallet, ledger, asset }: JoinedWallet,
  { transaction, to, value }: Transfer,
): Promise<Hex[]> {
  const known = new Set((await ledger.list()).map(({ nonce }) => nonce.toLowerCase()));
  const { logs } = await chain.client.getTransactionReceipt({ hash: transaction });
  const ours = logs.filter((log) => log.address.toLowerCase() === asset.address.toLowerCase());
  const isSame = (topic: Hex | undefined, address: Hex) =>
    topic?.toLowerCase() === pad(address).toLowerCase();
  const found = ours.flatMap(({ topics: [event, from, payee], data }, index) => {
    if (event !== TRANSFER || BigInt(data) !== value) return [];
    if (!isSame(from, wallet.address) || !isSame(payee, to)) return [];
    const [before, payer, nonce] = ours[index - 1]?.topics ?? [];
    return before === USED && isSame(payer, wallet.address) && nonce ? [nonce] : [];
  });
  return found.filter((nonce) => !known.has(nonce.toLowerCase())).slice(0, 1);
}
