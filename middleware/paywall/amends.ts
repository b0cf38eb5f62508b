/**
 * What a seller does about work that failed after the money moved, and what the buyer is told of it: the same for a refund on the
 * chain and for a credit. It is asked again until it is done, and a buyer who sends the same payment again hears the newest state.
 */
import { parseJson } from "../../protocol/offer.ts";
import type { PaidSale, PaywallAnswer, StoredAnswer } from "./door.ts";

/** The sale, and what its work answered; nothing where it never did. */
export interface FailedWork {
  readonly sale: PaidSale<unknown>;
  readonly answer: StoredAnswer | undefined;
}

/**
 * Makes one failed sale good, and resolves to its last answer. Throws `AmendsOwed` for as long as that cannot be done. Called
 * again after a crash, so it is idempotent by payer and nonce.
 */
export type AfterFailure = (failed: FailedWork) => Promise<PaywallAnswer>;

/** It is not done yet; `body` is what the buyer is told meanwhile, with 503 and `Retry-After`. */
export class AmendsOwed extends Error {
  readonly body: AmendsBody;

  constructor(body: AmendsBody) {
    super(body.message);
    this.name = "AmendsOwed";
    this.body = body;
  }
}

export interface AmendsBody {
  /** `refund_owed`, or `work_failed` once it is made good. */
  readonly error: string;
  readonly message: string;
  readonly [detail: string]: unknown;
}

/** Of the seller's own answer, in characters: more says nothing more of a failure. */
const MAX_QUOTED = 16_384;

/** The last answer: the failure's own status, what was done about it, and what the seller's work said, where that is JSON. */
export function amendsAnswer(failed: StoredAnswer | undefined, body: AmendsBody): PaywallAnswer {
  const status = failed && failed.status >= 400 ? failed.status : 500;
  const text = failed?.text;
  const quoted = text !== undefined && text.length <= MAX_QUOTED ? parseJson(text) : undefined;
  return { status, body: quoted === undefined ? body : { ...body, answer: quoted } };
}
