/** Both sides of a 402: the capped wallet and the call that pays from it, and the paywall that asks. */
export {
  checkOffer,
  type CheckedPolicy,
  OFFER_CHECKS,
  type OfferCheck,
  type Policy,
  uncheckedPolicy,
} from "./check-offer.ts";
export type { Approval, GatekeeperOptions } from "./fetch/gatekeeper.ts";
export { createPayer } from "./fetch/payer.ts";
export type { Pay, PayerControls, PayerOptions, PayTerms } from "./fetch/payer-options.ts";
export { type Look, lookAtPrice, type LookOptions } from "./fetch/look.ts";
export {
  createPayingFetch,
  type PayingFetch,
  PayingFetchError,
  type PayingFetchOptions,
} from "./fetch/paying-fetch.ts";
export type { RecoveryTiming } from "./fetch/recovery.ts";
export type { RecoverySettings } from "./fetch/resendable.ts";
export type { SpendingPolicy } from "./fetch/spending-policy.ts";
export {
  decryptKey,
  encryptKey,
  type EncryptKeyOptions,
  type Keystore,
  KeystoreError,
  type KeystoreErrorCode,
  readKeystore,
} from "./keystore/index.ts";
export {
  type CallRecovery,
  type CallRecoveryOptions,
  type PaidCall,
  recoverCalls,
  type Seller,
} from "./call-recovery.ts";
export { payCall, type PayCallOptions } from "./pay-call.ts";
export { PaymentError, type PaymentErrorCode } from "./payment-error.ts";
export { type Quote, quoteFor, type QuoteOptions } from "./quote.ts";
export {
  type Amends,
  type FailedSale,
  paywall,
  type PaywallHandler,
  type PaywallOptions,
  type Price,
  saleOf,
  type SoldRequest,
} from "./paywall.ts";
export type {
  PaidSale,
  PaywallAnswer,
  PaywallFlow,
  PaywallQuote,
  PaywallRefusal,
  PaywallSale,
  StoredAnswer,
} from "./paywall/door.ts";
export { type AfterFailure, AmendsOwed, type FailedWork } from "./paywall/amends.ts";
export type { PaywallFacilitator } from "./paywall/facilitator-port.ts";
export type { PayerCap } from "./paywall/payer-cap.ts";
export type { PayerCredit } from "./paywall/payer-credit.ts";
export { quotedPaywall, type QuotedPaywall, type QuotedPaywallOptions } from "./quoted-paywall.ts";
export { type DelegatedRun, delegateRun } from "./delegate-run.ts";
export { creditAmends } from "./refund/credit-amends.ts";
export { type Credits, openCredits } from "./refund/credits.ts";
export {
  REFUND_SIGNER_LIMITS,
  type Refund,
  type RefundableSale,
  type RefundState,
} from "./refund/refund.ts";
export { refundAmends } from "./refund/refund-amends.ts";
export {
  openRefunds,
  type RefundEvent,
  type Refunds,
  type RefundsOptions,
} from "./refund/refunds.ts";
export { remoteWallet, type RemoteWalletOptions } from "./remote-wallet.ts";
export { type PaidRequest, type PayOutcome, type SendPaidOptions } from "./send-paid.ts";
export {
  accountSigner,
  type AccountSignerOptions,
  type CountedSigner,
  DEFAULT_SIGNER_LIMITS,
  type SignedTotals,
  type Signer,
  type SignerLimits,
  type SignerProcess,
  type SignerProcessOptions,
  type SignIntent,
  startSignerProcess,
} from "./signer/index.ts";
export { Wallet } from "./wallet.ts";
export type { AuthorizeOptions, WalletOptions } from "./wallet-options.ts";
export { localWallet, type LocalWalletOptions, type WalletPort } from "./wallet-port.ts";
