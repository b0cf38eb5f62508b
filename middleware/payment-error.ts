import { PurserError } from "../protocol/error.ts";

/** Why nothing is paid. Each `OFFER_…` is one check of the offer; see `check-offer.ts`. */
export type PaymentErrorCode =
  | "OFFER_SCHEME"
  | "OFFER_NETWORK"
  | "OFFER_ASSET"
  | "OFFER_MAINNET"
  | "OFFER_PAYEE"
  | "OFFER_PRICE"
  | "OFFER_RESOURCE"
  | "OFFER_EXPIRY"
  /** MPP: the payment would take the place of a header of the caller's own. */
  | "OFFER_HEADER"
  /** The request is not the one that the quote is for. */
  | "REQUEST_MISMATCH"
  /** A server that is asked to sell sends us elsewhere. */
  | "REDIRECTED"
  /** No answer to the unpaid request. */
  | "PROVIDER_UNREACHABLE"
  /** Of a paying fetch: the request cannot be made as it is. */
  | "REQUEST_INVALID"
  | "BODY_TOO_LARGE"
  /** A 402, and a body that can be sent only once. */
  | "BODY_NOT_REPLAYABLE"
  /** The answer cannot be read whole, or its headers are larger than anybody's. */
  | "ANSWER_UNREADABLE"
  | "TOO_MANY_REDIRECTS"
  /** The host's address is private, and the policy is not local. */
  | "ADDRESS_NOT_ALLOWED"
  /** Of a spending policy. */
  | "POLICY_INVALID"
  | "ORIGIN_NOT_ALLOWED"
  | "BUDGET_EXCEEDED"
  | "CAP_EXCEEDED"
  | "RATE_EXCEEDED"
  /** A wallet behind an orchestrator was given where one of this process is needed. */
  | "WALLET_NOT_LOCAL"
  /** It costs more than may be paid unasked, and there is nobody to ask. */
  | "APPROVAL_MISSING"
  | "APPROVAL_DENIED"
  /** `createPayingFetch`: money may have moved, or has, and there is no answer to give. */
  | "PAYMENT_UNKNOWN"
  | "PAYMENT_UNDELIVERED"
  /** The wallet did not answer; what it may have signed never reached the provider. */
  | "WALLET_UNREACHABLE"
  /** The payment's window closed before it was settled; no money moved. */
  | "PAYMENT_EXPIRED"
  | "SIGNER_FAILED"
  /** The signer's own check: `details.rule` says which of its rules the payment breaks. */
  | "SIGNER_REFUSED"
  /** What it has signed cannot be read or recorded, so nothing is signed. */
  | "SIGNER_COUNTER_INVALID"
  /** The key's file is missing, unreadable, no key, or open to others. */
  | "SIGNER_KEY_INVALID"
  /** A package that this part needs is not installed. */
  | "PACKAGE_MISSING"
  /** The paywall's own options cannot be sold by. */
  | "PAYWALL_INVALID"
  /** A handler asked for the sale of a request that no paywall has let through. */
  | "NOT_PAID";

export class PaymentError extends PurserError<PaymentErrorCode> {}
