/**
 * A call that may cost money: it sends the request, meets the 402, holds every offer against the quote, has the wallet sign the
 * cheapest good one, and sends the same request with the payment. Once a payment has left, it is only ever sent again byte for
 * byte; it goes to the quote's own URL and nowhere else; and what came of it is for the wallet, that is for the chain, to say.
 */
import { readSettleResponse } from "../protocol/authorization.ts";
import { type ErrorBody, PurserError } from "../protocol/error.ts";
import { type Offer, parseChallenge } from "../protocol/offer.ts";
import type { PurchaseRecord } from "../protocol/orchestrator-api.ts";
import { checkOffer, type Policy } from "./check-offer.ts";
import { PaymentError } from "./payment-error.ts";
import type { Quote } from "./quote.ts";
import { type Answer, readAnswer } from "./read-answer.ts";
import type { WalletPort } from "./wallet-port.ts";

export interface PaidRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface PayCallOptions {
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
  readonly fetch?: typeof globalThis.fetch;
  /** For each request; a paid one that takes longer is not given up, only not waited for. */
  readonly timeoutMs?: number;
  /** How often the same bytes are sent again when the answer to them settles nothing. */
  readonly resends?: number;
  /** Waits before a resend. */
  readonly pause?: (ms: number) => Promise<void>;
}

export type PayOutcome =
  /** The provider answered. With `record` it was paid for; without, it asked for no payment (and may still be an error). */
  | { readonly kind: "delivered"; readonly response: Response; readonly record?: PurchaseRecord }
  /** Nothing was paid, and why. */
  | { readonly kind: "refused"; readonly error: ErrorBody }
  /** The money has moved, and the provider does not deliver. Sending the same purchase again may still fetch it. */
  | {
      readonly kind: "undelivered";
      readonly record: PurchaseRecord;
      readonly status: number | null;
      readonly response?: Response;
    }
  /** A payment has left, and nothing proves yet whether the money moved. It counts as spent until the chain has spoken. */
  | {
      readonly kind: "unknown";
      readonly record: PurchaseRecord;
      readonly status: number | null;
      readonly response?: Response;
    };

const PAUSE_MS = 250;

export async function payCall(options: PayCallOptions): Promise<PayOutcome> {
  try {
    const { purchase, wallet } = options;
    refuseOtherRequest(options);
    const earlier = await wallet.find(purchase.id);
    if (earlier?.payment !== undefined) {
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
  const { purchase, wallet } = options;
  const answer = await send(options);
  if (answer === undefined) {
    throw new PaymentError("PROVIDER_UNREACHABLE", {
      problem: `${options.quote.provider} did not answer the request to ${options.request.url}.`,
      nextStep: "Nothing was paid. Try again later, or choose another provider.",
    });
  }
  if (isRedirect(answer)) throw redirected(answer);
  if (answer.response.status !== 402) return { kind: "delivered", response: answer.response };
  const offer = chooseOffer(answer, options);
  const { service, operation, inputs } = purchase;
  const { x402Version, raw, resource } = offer;
  const record = await wallet.authorize({
    service,
    operation,
    inputs,
    offer: {
      x402Version,
      raw: raw as Record<string, never>,
      ...(resource === undefined ? {} : { resource }),
    },
  });
  return sendPaid(options, record);
}

/** The cheapest offer that may be paid; where there is none, the reason of the cheapest that may not. */
function chooseOffer({ response, text }: Answer, options: PayCallOptions): Offer {
  const offers = parseChallenge({ header: response.headers.get("PAYMENT-REQUIRED"), body: text });
  const byPrice = offers.toSorted((a, b) =>
    a.amount < b.amount ? -1 : a.amount > b.amount ? 1 : 0,
  );
  const { quote, policy = {} } = options;
  let refusal: PaymentError | undefined;
  for (const offer of byPrice) {
    const problem = checkOffer(offer, quote, policy);
    if (!problem) return offer;
    refusal ??= problem;
  }
  throw refusal!;
}

/** Sends the payment, and again the same bytes while neither the provider nor the chain has settled what came of it. */
async function sendPaid(options: PayCallOptions, first: PurchaseRecord): Promise<PayOutcome> {
  const { wallet, resends = 2, pause = wait } = options;
  const { payment } = first;
  if (!payment) throw new Error("a payment that is to be sent has bytes");
  let record = first;
  let answer: Answer | undefined;
  for (let attempt = 0; attempt <= resends; attempt += 1) {
    if (attempt > 0) await pause(PAUSE_MS * attempt);
    answer = await send(options, { [payment.name]: payment.value });
    record = await report(wallet, record, answer);
    if (answer?.response.ok === true)
      return { kind: "delivered", response: answer.response, record };
    if (record.state === "released") return refusedAsExpired(record);
    if (answer !== undefined && !mayStillDeliver(answer.response.status)) break;
  }
  const status = answer?.response.status ?? null;
  const kind = record.state === "settled" ? "undelivered" : "unknown";
  return { kind, record, status, ...(answer ? { response: answer.response } : {}) };
}

/** The wallet's word on it; where the wallet is out of reach, what is known stays as it is. */
async function report(
  wallet: WalletPort,
  record: PurchaseRecord,
  answer: Answer | undefined,
): Promise<PurchaseRecord> {
  const claim = answer && readSettleResponse(answer.response.headers);
  const transaction = claim?.success === true ? claim.transaction : undefined;
  try {
    return await wallet.report(record.id, {
      status: answer?.response.status ?? null,
      ...(transaction === undefined ? {} : { transaction }),
    });
  } catch (error) {
    if (!(error instanceof PurserError)) throw error;
    return record.state === "settled" ? record : { ...record, state: "unknown" };
  }
}

/** One request; undefined when no whole answer came. The payment goes to the quote's URL only, and follows no redirect. */
async function send(
  { request, fetch = globalThis.fetch, timeoutMs = 30_000 }: PayCallOptions,
  payment: Record<string, string> = {},
): Promise<Answer | undefined> {
  const { method, url, headers, body } = request;
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...payment },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return await readAnswer(response);
  } catch {
    return undefined;
  }
}

function refuseOtherRequest({ request, quote }: PayCallOptions): void {
  const { method, url, body } = quote.request;
  if (request.method === method && request.url === url && request.body === body) return;
  throw new PaymentError("REQUEST_MISMATCH", {
    problem: `The request to ${request.url} is not the one that ${quote.service} was quoted for.`,
    nextStep: "Nothing was paid. Build the request from the catalog's operation.",
  });
}

/** Answers after which the same bytes may still fetch what was paid for: see conflicts, pressure and failures of servers. */
function mayStillDeliver(status: number): boolean {
  return status >= 500 || [402, 408, 409, 425, 429].includes(status);
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

function refusedAsExpired({ service }: PurchaseRecord): PayOutcome {
  const error = new PaymentError("PAYMENT_EXPIRED", {
    problem: `The payment for ${service} was not settled in its time; the chain proves that no money moved.`,
    nextStep: "Ask for the purchase again.",
  });
  return { kind: "refused", error: error.toJSON() };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
