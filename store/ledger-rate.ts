/**
 * How many payments were begun lately, in the book itself: so the count holds over all processes, and over a restart. Little more
 * than a minute's count needs is kept, and numbered, so that counting takes the first and the last of it and not all in between.
 */
import { LedgerError } from "./ledger-error.ts";
import { ask, type Script } from "./ledger-script.ts";
import type { LedgerRate } from "./ledger.ts";

const MINUTE_MS = 60_000;

/**
 * The number of the next one, from 1 on, or `RATE_EXCEEDED` where one more is too many. `at` is the book's time, which never goes back.
 */
export function* takeNumber({ name, max }: LedgerRate, at: number): Script<bigint> {
  const bounds = yield* readBounds(name, at);
  const begun = countOf(bounds);
  if (begun < max) return (bounds.last ?? 0n) + 1n;
  throw new LedgerError("RATE_EXCEEDED", {
    problem: `${begun} payments were begun in the last minute, and ${max} are allowed.`,
    nextStep: "Nothing was paid. Wait a minute, or find out what pays so often.",
  });
}

export function* countBegun(name: string, at: number): Script<number> {
  return countOf(yield* readBounds(name, at));
}

function countOf({ first, last }: Bounds): number {
  return first === null || last === null ? 0 : Number(last - first) + 1;
}

interface Bounds {
  /** The number of the first one in the minute; null where there is none. */
  first: bigint | null;
  /** Of the last one that is kept, whenever that was. */
  last: bigint | null;
}

const BOUNDS = `SELECT
  (SELECT n FROM begun WHERE name = ? AND at > ? ORDER BY at, auth LIMIT 1) AS first,
  (SELECT n FROM begun WHERE name = ? ORDER BY at DESC, auth DESC LIMIT 1) AS last`;

function* readBounds(name: string, at: number): Script<Bounds> {
  const [row] = yield* ask<Bounds>(BOUNDS, name, at - MINUTE_MS, name);
  return row ?? { first: null, last: null };
}

/** After so many, what is over is dropped. */
const SWEEP = 64n;

/** Counts an authorization under its number. */
export function* begin(name: string, auth: bigint, at: number, n: bigint): Script<void> {
  if (n % SWEEP === 0n) {
    yield* ask("DELETE FROM begun WHERE name = ? AND at <= ?", name, at - MINUTE_MS);
  }
  yield* ask("INSERT INTO begun (name, at, auth, n) VALUES (?, ?, ?, ?)", name, at, auth, n);
}
