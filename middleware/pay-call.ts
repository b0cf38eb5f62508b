/**
 * A call that may cost money: it sends the request, meets the 402, holds every offer against the quote, has the wallet sign the
 * cheapest good one, and sends the same request with the payment. Once a payment has left, it is only ever sent again byte for
 * byte; it goes to the quote's own URL and nowhere else; and what came of it is for the wallet, that is for the chain, to say.
 */
import { PurserError } from "../protocol/error.ts";
import type { PurchaseRecord } from "../protocol/orchestrator-api.ts";
import { orderOffer } from "../protocol/ordered-offer.ts";
import type { Policy } from "./check-offer.ts";
import { chooseOffer } from "./choose-offer.ts";
import { answerAsItCame } from "./fetch/kept-answer.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { PaymentError } from "./payment-error.ts";
import type { Quote } from "./quote.ts";
import type { Answer } from "./read-answer.ts";
import { readOffers } from "./read-offers.ts";
import {
  type PaidRequest,
  type PayOutcome,
  sendPaid,
  type SendPaidOptions,
  sendRequest,
} from "./send-paid.ts";
import type { WalletPort } from "./wallet-port.ts";

export interface PayCallOptions extends SendPaidOptions {
  /** The quote's request, with the caller's headers, which the paid request carries too. */
  readonly request: PaidRequest;
  readonly quote: Quote;
  /** The logical buy; `id` is its `purchaseId`. */
  readonly purchase: {
    readonly id: string;
    readonly service: string;
    readonly operation: string;
    readonly inputs: Record<string, string>;
  };
  readonly wallet: WalletPort;
  readonly policy?: Policy;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export async function payCall(options: PayCallOptions): Promise<PayOutcome> {
  try {
    const { purchase, wallet } = options;
    refuseOtherRequest(options);
    const earlier = await wallet.find(purchase.id);
    if (earlier?.payment !== undefined) {
      refuseOtherPurchase(options, earlier);
      const answer = await wallet.findAnswer?.(purchase.id);
      if (answer) return { kind: "delivered", response: answerAsItCame(answer), record: earlier };
      const outcome = await sendPaid(options, earlier);
      // Proven dead by now: the purchase begins anew.
      if (outcome.kind !== "refused") return outcome;
    }
    return await payAnew(options);
  } catch (error) {
    if (error instanceof PurserError) return { kind: "refused", error: error.toJSON() };
    throw error;
  }
}

async function payAnew(options: PayCallOptions): Promise<PayOutcome> {
  const { purchase, wallet, now = Date.now } = options;
  const answer = await sendRequest(options);
  if (answer === undefined) {
    throw new PaymentError("PROVIDER_UNREACHABLE", {
      problem: `${options.quote.provider} did not answer the request to ${options.request.url}.`,
      nextStep: "Nothing was paid. Try again later, or choose another provider.",
    });
  }
  if (isRedirect(answer)) throw redirected(answer);
  if (answer.response.status !== 402) return { kind: "delivered", response: answer.response };
  const { url, headers } = options.request;
  const offers = readOffers(answer, { url, headers: new Headers(headers) }, now());
  const offer = chooseOffer(offers, options.quote, options.policy ?? {});
  const { service, operation, inputs } = purchase;
  const record = await wallet.authorize({
    service,
    operation,
    inputs,
    offer: orderOffer(offer),
  });
  return sendPaid(options, record);
}

function refuseOtherRequest({ request, quote }: PayCallOptions): void {
  const { method, url, body } = quote.request;
  if (request.method === method && request.url === url && request.body === body) return;
  throw new PaymentError("REQUEST_MISMATCH", {
    problem: `The request to ${request.url} is not the one that ${quote.service} was quoted for.`,
    nextStep: "Nothing was paid. Build the request from the catalog's operation.",
  });
}

/** The catalog may lead the same purchase elsewhere by now; bytes that were signed for one request go with no other. */
function refuseOtherPurchase({ quote }: PayCallOptions, { id, request }: PurchaseRecord): void {
  if (request === undefined || request === fingerprintOf(quote.request)) return;
  throw new PaymentError("REQUEST_MISMATCH", {
    problem: `The purchase ${id} was paid for with another request than the one to ${quote.request.url}.`,
    nextStep: "Nothing was sent. Ask for it as it was asked for then, or make another purchase.",
  });
}

function isRedirect({ response }: Answer): boolean {
  return response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400);
}

function redirected({ response }: Answer): PaymentError {
  return new PaymentError("REDIRECTED", {
    problem: `The provider answered with a redirect (${response.status}) where it should sell.`,
    nextStep: "Nothing was paid. A payment follows no redirect; choose another provider.",
  });
}
