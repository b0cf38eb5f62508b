/** Both sides of a 402: the capped wallet and the call that pays from it, and the paywall that asks. */
export type {
  PaywallAnswer,
  PaywallQuote,
  PaywallRefusal,
  PaywallSale,
  QuotedPaywall,
  QuotedPaywallOptions,
} from "./quoted-paywall.ts";
