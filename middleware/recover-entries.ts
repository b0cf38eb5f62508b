/** What a crash left open, ended as far as the chain has an answer; nothing is sent and nothing signed. */
import { isOpen, isOut, type Ledger, type LedgerEntry } from "../store/index.ts";
import type { EntryAges } from "./entry-ages.ts";
import type { Turns } from "./turns.ts";
import type { WalletEntries } from "./wallet-entries.ts";

export interface RecoverEntriesOptions {
  readonly ledger: Ledger;
  readonly entries: WalletEntries;
  readonly turns: Turns;
  readonly ages: EntryAges;
  /**
   * What changed within this time may be another caller's who is alive: it is settled where the chain says so, and otherwise left to
   * them. With 0, a process that is signing just now loses its reservation, and cannot send.
   */
  readonly graceMs: number;
}

/** Resolves to what is still open. */
export async function recoverEntries(options: RecoverEntriesOptions): Promise<LedgerEntry[]> {
  const { ledger, turns, ages } = options;
  const open = await ledger.listOpen();
  ages.keep(open);
  const entries = await Promise.all(
    open.map(({ purchase }) => turns.take(purchase, () => recoverOne(purchase, options))),
  );
  return entries.filter((entry) => entry !== undefined && isOpen(entry.state)) as LedgerEntry[];
}

async function recoverOne(
  purchase: string,
  { ledger, entries, ages, graceMs }: RecoverEntriesOptions,
): Promise<LedgerEntry | undefined> {
  const entry = await ledger.find(purchase);
  if (!entry || !isOpen(entry.state)) return entry;
  const young = ages.ageOf(entry) < graceMs;
  if (!isOut(entry.state) && young) return entry;
  const ended = isOut(entry.state)
    ? await entries.settle(entry, { young })
    : await ledger.release(entry.nonce, "NEVER_SENT");
  entries.tellChange(entry, ended);
  return ended;
}
