/**
 * How many payments were begun lately, in the book itself: so the count holds over all processes, and over a restart. Only what a
 * minute's count needs is kept, and numbered, so that counting takes the first and the last of it and not all in between.
 */
import { LedgerError } from "./ledger-error.ts";
import { ask, type Script } from "./ledger-script.ts";
import type { LedgerRate } from "./ledger.ts";

const MINUTE_MS = 60_000;

/** Throws `RATE_EXCEEDED` where one more is too many. `at` is the book's time, which never goes back. */
export function* checkRate(rate: LedgerRate | undefined, at: number): Script<void> {
  if (!rate) return;
  const begun = yield* countBegun(rate.name, at);
  if (begun < rate.max) return;
  throw new LedgerError("RATE_EXCEEDED", {
    problem: `${begun} payments were begun in the last minute, and ${rate.max} are allowed.`,
    nextStep: "Nothing was paid. Wait a minute, or find out what pays so often.",
  });
}

export function* countBegun(name: string, at: number): Script<number> {
  const sql = `SELECT
    (SELECT n FROM begun WHERE name = ? AND at > ? ORDER BY at, auth LIMIT 1) AS first,
    (${LAST}) AS last`;
  const [row] = yield* ask<Bounds>(sql, name, at - MINUTE_MS, name);
  return typeof row?.first === "bigint" ? Number(row.last - row.first) + 1 : 0;
}

interface Bounds {
  /** Null where none is in the minute. */
  first: bigint | null;
  last: bigint;
}

const LAST = "SELECT n FROM begun WHERE name = ? ORDER BY at DESC, auth DESC LIMIT 1";

/** Counts an authorization, and drops what is over. */
export function* begin(rate: LedgerRate | undefined, auth: bigint, at: number): Script<void> {
  if (!rate) return;
  yield* ask("DELETE FROM begun WHERE name = ? AND at <= ?", rate.name, at - MINUTE_MS);
  yield* ask(
    `INSERT INTO begun (name, at, auth, n) VALUES (?, ?, ?, coalesce((${LAST}), 0) + 1)`,
    rate.name,
    at,
    auth,
    rate.name,
  );
}
