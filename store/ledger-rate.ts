/**
 * How many payments were begun lately, in the book itself: so the count holds over all processes, and over a restart. Only what a
 * minute's count needs is kept.
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
  const sql = "SELECT count(*) AS count FROM begun WHERE name = ? AND at > ?";
  const [row] = yield* ask<{ count: bigint }>(sql, name, at - MINUTE_MS);
  return Number(row?.count ?? 0n);
}

/** Counts an authorization, and drops what is over. */
export function* begin(rate: LedgerRate | undefined, auth: bigint, at: number): Script<void> {
  if (!rate) return;
  yield* ask("DELETE FROM begun WHERE name = ? AND at <= ?", rate.name, at - MINUTE_MS);
  yield* ask("INSERT INTO begun (name, at, auth) VALUES (?, ?, ?)", rate.name, at, auth);
}
