/**
 * What a wallet has just handed out, until somebody reports what came of it: it need not read again what it has written itself. Another
 * process may have changed the entry since; the book then refuses what does not follow from where it stands.
 */
import type { LedgerEntry } from "../store/index.ts";

/** More than are on their way at once; of one that is forgotten the book is asked. */
const MOST = 1_024;

export class Unreported {
  /** By purchase. */
  readonly #entries = new Map<string, LedgerEntry>();

  add(entry: LedgerEntry): void {
    this.#entries.set(entry.purchase, entry);
    const [oldest] = this.#entries.size > MOST ? this.#entries.keys() : [];
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  take(purchase: string): LedgerEntry | undefined {
    const entry = this.#entries.get(purchase);
    this.#entries.delete(purchase);
    return entry;
  }
}
