/** A model of the ledger, in the few lines that its rules take: what leads where, and what counts in which month. */
import type { Ledger, ReleaseProof } from "../../store/index.ts";

export const CAP = 100n;
export const STALE_MS = 30_000;

export type Step = "sent" | "kept" | "withdrawn" | "unknown" | "claimed" | "settled" | ReleaseProof;

/**
 * Which steps lead on from a state, and where to; the others are refused. Twice the same end, or the same doubt, is once. `marked` is what
 * the ledger calls `sent` too, while it keeps no bytes of it: what was reserved so.
 */
export const STEPS: Readonly<Record<string, Partial<Record<Step, string>>>> = {
  signing: { sent: "sent", NEVER_SENT: "released", withdrawn: "released" },
  marked: {
    kept: "sent",
    withdrawn: "released",
    unknown: "unknown",
    claimed: "claimed",
    settled: "settled",
    EXPIRED: "released",
    CANCELLED: "released",
  },
  sent: {
    kept: "sent",
    unknown: "unknown",
    claimed: "claimed",
    settled: "settled",
    EXPIRED: "released",
    CANCELLED: "released",
  },
  unknown: {
    kept: "unknown",
    unknown: "unknown",
    claimed: "claimed",
    settled: "settled",
    EXPIRED: "released",
    CANCELLED: "released",
  },
  claimed: {
    kept: "claimed",
    claimed: "claimed",
    settled: "settled",
    EXPIRED: "released",
    CANCELLED: "released",
  },
  settled: { kept: "settled", settled: "settled" },
  released: { NEVER_SENT: "released", EXPIRED: "released", CANCELLED: "released" },
};

interface ModelEntry {
  state: string;
  amount: bigint;
  month: string;
  changedAt: number;
}

export interface Model {
  /** The book's clock, which is the latest that it was given at a change. */
  booked: number;
  entries: Map<string, ModelEntry>;
}

export interface Real {
  readonly ledger: Ledger;
  clock: number;
}

export const monthOf = (at: number) => new Date(at).toISOString().slice(0, 7);

export function used(
  { entries }: Model,
  month: string,
  dead: ReadonlySet<ModelEntry> = new Set(),
): bigint {
  const live = [...entries.values()].filter(
    (entry) => entry.state !== "released" && !dead.has(entry),
  );
  return live.reduce((sum, entry) => sum + (entry.month === month ? entry.amount : 0n), 0n);
}
