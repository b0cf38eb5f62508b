/**
 * How long an authorization has stood in the book as it is. A clock that was set back would call it young for as long as it is behind,
 * so what this process has seen by a stopwatch counts as well: the longer of the two.
 */
import type { LedgerEntry } from "../store/index.ts";

export interface EntryAgesOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds of a stopwatch, which nobody can set. */
  readonly elapsed?: () => number;
}

type Stamp = Pick<LedgerEntry, "nonce" | "state" | "updatedAt">;

export class EntryAges {
  readonly #now: () => number;
  readonly #elapsed: () => number;
  /** When each was first seen as it is. */
  readonly #seen = new Map<string, Stamp & { readonly at: number }>();

  constructor({ now, elapsed = () => performance.now() }: EntryAgesOptions) {
    this.#now = now;
    this.#elapsed = elapsed;
  }

  /** In milliseconds. */
  ageOf({ nonce, state, updatedAt }: Stamp): number {
    let seen = this.#seen.get(nonce);
    if (seen?.state !== state || seen.updatedAt !== updatedAt) {
      seen = { nonce, state, updatedAt, at: this.#elapsed() };
      this.#seen.set(nonce, seen);
    }
    return Math.max(this.#now() - updatedAt, this.#elapsed() - seen.at);
  }

  /** Forgets all but these. */
  keep(entries: readonly Stamp[]): void {
    const nonces = new Set<string>(entries.map(({ nonce }) => nonce));
    for (const nonce of this.#seen.keys()) if (!nonces.has(nonce)) this.#seen.delete(nonce);
  }
}
