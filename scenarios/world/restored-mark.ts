/**
 * The mark in a wallet's folder that came from a backup. Its book is older than the chain: what was sent since is in no line of it, and
 * counts under no cap. So nothing is paid from the folder until it was reconciled, whichever program opens it.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PurserError } from "../../protocol/index.ts";

class WalletFolderError extends PurserError<"WALLET_RESTORED"> {}

const markOf = (folder: string) => join(folder, "restored.json");

/** Marks a folder that has no mark yet. `madeAt` is the backup's, in milliseconds. */
export function markRestored(folder: string, madeAt: number): void {
  const text = JSON.stringify({ madeAt, restoredAt: Date.now() });
  writeFileSync(markOf(folder), `${text}\n`, { mode: 0o600, flag: "wx", flush: true });
}

/** When it was restored, in milliseconds; undefined without a mark. */
export function restoredAt(folder: string): number | undefined {
  if (!existsSync(markOf(folder))) return undefined;
  const mark = JSON.parse(readFileSync(markOf(folder), "utf8")) as { restoredAt: number };
  return mark.restoredAt;
}

export function removeMark(folder: string): void {
  rmSync(markOf(folder), { force: true });
}

/** Throws `WALLET_RESTORED` where the wallet must be reconciled before it pays. */
export function requireReconciled(folder: string): void {
  if (!existsSync(markOf(folder))) return;
  throw new WalletFolderError("WALLET_RESTORED", {
    problem: `The wallet in ${folder} was restored from a backup, and its book does not know what was sent since.`,
    nextStep: "Run `purser wallet reconcile`, which finds that on the chain.",
  });
}
