/**
 * Pays refunds: from an account whose key a signer process keeps, through the facilitator, exactly once each. Whatever happens on
 * the way (an empty account, a silent facilitator, a crash, two processes at once), the record says what is owed until it is paid.
 *
 * The account's balance bounds what its key can lose, and its signer's limits bound what a fault in this program can: fund it for
 * some days of failures and top it up. What it cannot pay stays owed, and `log` is told.
 */
import { PurserError } from "../../protocol/error.ts";
import type { Database } from "../../store/index.ts";
import type { PaywallFacilitator } from "../paywall/facilitator-port.ts";
import { facilitatorCalls } from "../paywall/facilitator-port.ts";
import type { Signer } from "../signer/index.ts";
import { Turns } from "../turns.ts";
import { type Refund, type RefundableSale, refundKey } from "./refund.ts";
import { refundIntent, refundRequest } from "./refund-messages.ts";
import { RefundRecords } from "./refund-records.ts";

/** What an operator is told; nothing in it is secret. */
export interface RefundEvent {
  readonly event: "refund-owed" | "refund-settled";
  readonly payer: string;
  /** Atomic units. */
  readonly amount: string;
  /** The settlement that is refunded. */
  readonly sale: string;
  /** The refund's own transaction. */
  readonly transaction?: string;
  /** Why it is still owed: a code such as `insufficient_funds` (top the account up) or `SIGNER_REFUSED`. */
  readonly reason?: string;
}

export interface RefundsOptions {
  /** The seller's own database, the paywall's. */
  readonly db: Database;
  /** Its URL, or an object in this process. */
  readonly facilitator: string | PaywallFacilitator;
  /** Of the refund account: `startSignerProcess({ keyFile, limits: REFUND_SIGNER_LIMITS })`. */
  readonly signer: Signer;
  /** How long one attempt waits for the facilitator. */
  readonly facilitatorTimeoutMs?: number;
  /** Told of every attempt that leaves a refund owed, and of every refund that is paid. */
  readonly log?: (event: RefundEvent) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface Refunds {
  /** Records that the sale's money is owed back, and tries to pay it; the same sale again goes on from where it stands. */
  refund(sale: RefundableSale): Promise<Refund>;
  find(sale: Pick<RefundableSale, "payer" | "nonce">): Refund | undefined;
  /** Tries again whatever is not paid; resolves to the number of refunds that are still owed. */
  recover(): Promise<number>;
}

/** How many are asked of the facilitator at once, which settles what comes together in one transaction. */
const MAX_TOGETHER = 32;

/** Opens the refunds of a database; call `recover` at start, and now and then. */
export function openRefunds({
  db,
  facilitator,
  signer,
  facilitatorTimeoutMs = 10_000,
  log = () => undefined,
  now = Date.now,
}: RefundsOptions): Refunds {
  const records = new RefundRecords(db, now);
  const calls = facilitatorCalls(facilitator, facilitatorTimeoutMs);
  const turns = new Turns();

  const stillOwed = (key: string, reason: string): Refund => {
    const refund = records.noteReason(key, reason);
    if (refund.state !== "settled") log({ event: "refund-owed", ...about(refund), reason });
    return refund;
  };
  const sign = async (key: string, refund: Refund): Promise<Refund> => {
    try {
      return records.markSigned(key, refund, await signer.sign(refundIntent(key, refund)));
    } catch (error) {
      if (!(error instanceof PurserError)) throw error;
      return stillOwed(key, error.code);
    }
  };
  const send = async (key: string, refund: Refund): Promise<Refund> => {
    const outcome = await calls.settle(refundRequest(refund), () => `refund ${key}`);
    if (outcome.state === "refused") return stillOwed(key, outcome.reason);
    if (outcome.state === "unknown") {
      return stillOwed(key, outcome.response?.errorReason ?? "facilitator_unavailable");
    }
    const settled = records.markSettled(key, outcome.transaction);
    const { transaction } = outcome;
    log({ event: "refund-settled", ...about(settled), transaction });
    return settled;
  };
  const advance = async (key: string, found: Refund): Promise<Refund> => {
    let refund = found;
    if (refund.state === "owed") refund = await sign(key, refund);
    if (refund.state === "signed") refund = records.markSent(key);
    return refund.state === "sent" ? send(key, refund) : refund;
  };
  const refund = (sale: RefundableSale): Promise<Refund> => {
    const key = refundKey(sale);
    return turns.take(key, () => advance(key, records.owe(sale, signer.address)));
  };

  return {
    refund,
    find: (sale) => records.find(refundKey(sale)),
    async recover() {
      const open = records.listOpen();
      for (let from = 0; from < open.length; from += MAX_TOGETHER) {
        const some = open.slice(from, from + MAX_TOGETHER).map((key) => records.find(key)!);
        await Promise.all(some.map(({ sale }) => refund(sale)));
      }
      return records.listOpen().length;
    },
  };
}

function about({ sale: { payer, amount, transaction } }: Refund) {
  return { payer, amount: amount.toString(), sale: transaction };
}
