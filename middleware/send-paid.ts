/**
 * Sending what is paid for: the request with the payment's bytes on it, to the one URL that the payment is for, and again the same
 * bytes while neither the seller nor the chain has settled what came of it. Nothing here signs anything.
 */
import { readSettleResponse } from "../protocol/authorization.ts";
import { type ErrorBody, PurserError } from "../protocol/error.ts";
import { readMppReceipt } from "../protocol/mpp.ts";
import type { PurchaseRecord } from "../protocol/orchestrator-api.ts";
import { PaymentError } from "./payment-error.ts";
import { type Answer, readAnswer } from "./read-answer.ts";
import type { WalletPort } from "./wallet-port.ts";

export interface PaidRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
}

export interface SendOptions {
  readonly request: PaidRequest;
  readonly fetch?: typeof globalThis.fetch;
  /** For each request; a paid one that takes longer is not given up, only not waited for. */
  readonly timeoutMs?: number;
  /** The caller's own: it ends the waiting, never the payment. */
  readonly signal?: AbortSignal | undefined;
}

export interface SendPaidOptions extends SendOptions {
  readonly wallet: Pick<WalletPort, "report">;
  /** How often the same bytes are sent again when the answer to them settles nothing. */
  readonly resends?: number;
  /** Waits before a resend. */
  readonly pause?: (ms: number) => Promise<void>;
  /**
   * Is given the asking for the wallet's word on a payment that was delivered for; then the outcome's record is the payment as it
   * was sent, which counts, and of which nobody has proven yet that it moved.
   */
  readonly confirmLater?: ((confirm: () => Promise<PurchaseRecord>) => void) | undefined;
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

/** Sends the payment, and again the same bytes while neither the provider nor the chain has settled what came of it. */
export async function sendPaid(
  options: SendPaidOptions,
  first: PurchaseRecord,
): Promise<PayOutcome> {
  const { wallet, resends = 2, pause = wait, signal, confirmLater } = options;
  let record = first;
  let { payment } = first;
  if (!payment) throw new Error("a payment that is to be sent has bytes");
  let answer: Answer | undefined;
  for (let attempt = 0; attempt <= resends; attempt += 1) {
    if (attempt > 0) await pause(PAUSE_MS * attempt);
    answer = await sendRequest(options, { [payment.name]: payment.value });
    if (answer?.response.ok === true) {
      const { response } = answer;
      const report = reportAnswer.bind(undefined, wallet, record, answer);
      if (!confirmLater) return { kind: "delivered", response, record: await report() };
      confirmLater(report);
      return { kind: "delivered", response, record };
    }
    record = await reportAnswer(wallet, record, answer);
    // Where the first one is dead by now, another caller may have made a second, and that for another request.
    if (record.state === "released" || record.request !== first.request) {
      return refusedAsExpired(first);
    }
    payment = record.payment ?? payment;
    if (signal?.aborted === true) break;
    if (answer !== undefined && !mayStillDeliver(answer.response.status)) break;
  }
  const status = answer?.response.status ?? null;
  const kind = record.state === "settled" ? "undelivered" : "unknown";
  return { kind, record, status, ...(answer ? { response: answer.response } : {}) };
}

/** The wallet's word on what came of a paid request; where the wallet is out of reach, what is known stays as it is. */
export async function reportAnswer(
  wallet: SendPaidOptions["wallet"],
  record: PurchaseRecord,
  answer: Answer | undefined,
): Promise<PurchaseRecord> {
  const claim = answer && readSettleResponse(answer.response.headers);
  const transaction =
    claim?.success === true ? claim.transaction : answer && readMppReceipt(answer.response.headers);
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

/** One request; undefined when no whole answer came. The payment goes to this URL only, and follows no redirect. */
export async function sendRequest(
  { request, fetch = globalThis.fetch, timeoutMs = 30_000, signal }: SendOptions,
  payment: Record<string, string> = {},
): Promise<Answer | undefined> {
  const { method, url, headers, body } = request;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  try {
    const all = new Headers(headers);
    for (const [name, value] of Object.entries(payment)) all.set(name, value);
    const response = await fetch(url, {
      method,
      headers: all,
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal,
    });
    return await readAnswer(response);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Answers after which the same bytes may still fetch what was paid for: see conflicts, pressure and failures of servers. */
function mayStillDeliver(status: number): boolean {
  return status >= 500 || [402, 408, 409, 425, 429].includes(status);
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
