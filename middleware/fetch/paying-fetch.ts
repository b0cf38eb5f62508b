/** `fetch`, except that it can pay: for code that knows nothing of payments, and for every library that takes a `fetch`. */
import { type ErrorBody, PurserError } from "../../protocol/error.ts";
import type { PayOutcome } from "../send-paid.ts";
import { createPayer } from "./payer.ts";
import type { PayerControls, PayerOptions, PayTerms } from "./payer-options.ts";

/** An outcome that is no response. `outcome` says everything; `code` is the refusal's own, or one of the two below. */
export class PayingFetchError extends PurserError {
  readonly outcome: Exclude<PayOutcome, { kind: "delivered" }>;

  constructor(outcome: PayingFetchError["outcome"]) {
    const { code, ...text } = bodyOf(outcome);
    super(code, text);
    this.outcome = outcome;
  }
}

export interface PayingFetchOptions extends PayerOptions, PayTerms {}

/** A `fetch` with a background that can be waited for and closed. */
export type PayingFetch = typeof globalThis.fetch & PayerControls;

/**
 * A drop-in `fetch`. Unless told to `wait`, it has the chain confirm a payment in the background. It resolves to the answer, paid for or not, and otherwise rejects with a `PayingFetchError`: nothing was paid
 * (the code says why), `PAYMENT_UNDELIVERED` or `PAYMENT_UNKNOWN`. Asking again for the same request pays nothing more.
 */
export function createPayingFetch({ maxAmount, ...options }: PayingFetchOptions): PayingFetch {
  const pay = createPayer({ confirm: "background", ...options });
  const terms = maxAmount === undefined ? {} : { maxAmount };
  const payingFetch: typeof globalThis.fetch = async (input, init) => {
    const outcome = await pay(input, init, terms);
    if (outcome.kind === "delivered") return outcome.response;
    throw new PayingFetchError(outcome);
  };
  const { idle, recover, close } = pay;
  return Object.assign(payingFetch, { idle, recover, close, [Symbol.asyncDispose]: close });
}

function bodyOf(outcome: PayingFetchError["outcome"]): ErrorBody {
  if (outcome.kind === "refused") return outcome.error;
  const { record, status } = outcome;
  const answered = status === null ? "no answer came" : `the answer's status is ${status}`;
  const details = { purchase: record.id, state: record.state };
  if (outcome.kind === "undelivered") {
    return {
      code: "PAYMENT_UNDELIVERED",
      problem: `${record.amount} was paid to ${record.provider}, and ${answered}.`,
      nextStep: "Make the same request again: it sends the same payment, and pays nothing more.",
      details,
    };
  }
  return {
    code: "PAYMENT_UNKNOWN",
    problem: `A payment of ${record.amount} to ${record.provider} has left, and ${answered}; the chain has not said yet whether it moved.`,
    nextStep: "Make the same request again: it sends the same payment, and pays nothing more.",
    details,
  };
}
