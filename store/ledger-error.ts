import { PurserError } from "../protocol/error.ts";

export type LedgerErrorCode =
  /** The run's budget does not cover it. */
  | "BUDGET_EXCEEDED"
  /** A cap per month does not cover it. */
  | "CAP_EXCEEDED"
  /** More payments would be begun in a minute than are allowed. */
  | "RATE_EXCEEDED"
  /** The same purchase, with another request, amount or recipient. */
  | "PURCHASE_CONFLICT"
  /** Another caller is signing for this purchase right now. */
  | "PURCHASE_IN_PROGRESS"
  | "PURCHASE_UNKNOWN"
  /** A step that the state table does not have. */
  | "LEDGER_TRANSITION"
  /** The ledger belongs to another chain, token or wallet. */
  | "LEDGER_MISMATCH"
  /** The ledger is damaged or does not add up: nothing may be paid from it. */
  | "LEDGER_UNREADABLE";

/** A refusal of the ledger: nothing was changed. */
export class LedgerError extends PurserError<LedgerErrorCode> {}

export function unreadable(path: string, reason: string, cause?: unknown): LedgerError {
  return new LedgerError("LEDGER_UNREADABLE", {
    problem: `The ledger ${path} cannot be trusted: ${reason}.`,
    nextStep: "Nothing is paid from it. Restore it from a backup, then let the wallet recover.",
    cause,
  });
}
