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
  /** The request is not the one that the quote is for. */
  | "REQUEST_MISMATCH"
  /** A server that is asked to sell sends us elsewhere. */
  | "REDIRECTED"
  /** No answer to the unpaid request. */
  | "PROVIDER_UNREACHABLE"
  /** The wallet did not answer; what it may have signed never reached the provider. */
  | "WALLET_UNREACHABLE"
  /** The payment's window closed before it was settled; no money moved. */
  | "PAYMENT_EXPIRED"
  | "SIGNER_FAILED"
  /** The key's file is missing, unreadable, no key, or open to others. */
  | "SIGNER_KEY_INVALID"
  /** A package that this part needs is not installed. */
  | "PACKAGE_MISSING"
  /** The paywall was given a request whose body nobody has read. */
  | "BODY_NOT_READ";

export class PaymentError extends PurserError<PaymentErrorCode> {}
