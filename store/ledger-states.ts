/**
 * The life of an authorization, as a table: which state may follow which, and what the money of each state is called. A state
 * that is not a neighbour here cannot be reached, by any bug or any crash (reference: wallet.md 1.3).
 */
import type { PurchaseState } from "../protocol/orchestrator-api.ts";

/** Why an amount may be given back. A clock is never a reason. */
export type ReleaseProof =
  /**
   * No `sent` was ever recorded, so the signature, if there is one, never left; or the one who recorded it has handed out nothing
   * (`withdraw`).
   */
  | "NEVER_SENT"
  /** A finalized block is past `validBefore`, and the authorization was not used in it. */
  | "EXPIRED"
  /** The payer cancelled it on chain, finally. */
  | "CANCELLED";

/** Where an amount is booked while its authorization is in a state. */
export type Account = "available" | "reserved" | "spent";

interface StateRules {
  readonly account: Account;
  /** The states that may follow. */
  readonly next: readonly PurchaseState[];
  /** The proofs that lead from here to `released`. */
  readonly releases: readonly ReleaseProof[];
  /** True where arriving twice means nothing new; a second arrival in another state is a second payer, and refused. */
  readonly repeats: boolean;
}

export const STATES: Readonly<Record<PurchaseState, StateRules>> = {
  reserved: {
    // Only in a book of an older version: a reservation is made in `signing` now, and nobody carries this one on.
    account: "reserved",
    next: ["released"],
    releases: ["NEVER_SENT"],
    repeats: false,
  },
  signing: {
    account: "reserved",
    // Unknown at once where the signer has signed for this nonce in a time that this book does not know of (an older copy of it).
    next: ["sent", "unknown", "released"],
    releases: ["NEVER_SENT"],
    repeats: false,
  },
  sent: {
    account: "reserved",
    next: ["unknown", "claimed", "settled", "released"],
    releases: ["EXPIRED", "CANCELLED"],
    repeats: false,
  },
  unknown: {
    account: "reserved",
    next: ["claimed", "settled", "released"],
    releases: ["EXPIRED", "CANCELLED"],
    repeats: true,
  },
  claimed: {
    account: "reserved",
    next: ["settled", "released"],
    releases: ["EXPIRED", "CANCELLED"],
    repeats: true,
  },
  settled: { account: "spent", next: [], releases: [], repeats: true },
  released: { account: "available", next: [], releases: [], repeats: true },
};

/** Whether an authorization in this state may be on its way: neither proven paid nor proven dead. */
export function isOpen(state: PurchaseState): boolean {
  return STATES[state].account === "reserved";
}

/** Whether its bytes may have left, so that it must be resent and never replaced. */
export function isOut(state: PurchaseState): boolean {
  return state !== "released" && !STATES[state].releases.includes("NEVER_SENT");
}
