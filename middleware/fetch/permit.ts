/**
 * What a policy says of one 402: which offer may be paid, under which limits, or why none. It reads and decides, and changes
 * nothing; that the limits hold is the ledger's doing, which counts under the scopes that are named here.
 */
import type { MppOffer } from "../../protocol/mpp.ts";
import type { Offer } from "../../protocol/offer.ts";
import { formatDecimal } from "../../protocol/money.ts";
import type { LedgerRate, LedgerScope } from "../../store/index.ts";
import { chooseOffer } from "../choose-offer.ts";
import { PaymentError } from "../payment-error.ts";
import type { Quote } from "../quote.ts";
import type { PaidRequest } from "../send-paid.ts";
import type { ReadPolicy, ReadProvider } from "./spending-policy.ts";

export interface PermitQuestion {
  readonly purchase: string;
  readonly request: PaidRequest;
  readonly offers: readonly (Offer | MppOffer)[];
  /** The caller's own limit for this call, in atomic units. */
  readonly maxAmount: bigint | undefined;
  /** Whose spending it is: part of the names of the caps. */
  readonly scope: string;
}

export interface Permit {
  readonly quote: Quote;
  /** The cheapest of those that the policy allows. */
  readonly offer: Offer | MppOffer;
  readonly scopes: readonly LedgerScope[];
  readonly rate: LedgerRate;
  /** A person is to be asked first. */
  readonly needsApproval: boolean;
}

/** The permit, or the refusal: `ORIGIN_NOT_ALLOWED` or `OFFER_…`. */
export function permit(policy: ReadPolicy, question: PermitQuestion): Permit {
  const provider = findProvider(policy, question.request.url);
  const quote = quoteOf(policy, provider, question);
  const offer = chooseOffer(question.offers, quote, { mainnet: policy.mainnet });
  const { approveAbove } = policy;
  return {
    quote,
    offer,
    scopes: scopesOf(policy, provider, question),
    // Over all scopes and providers: a loop that takes a new scope each time is a loop too.
    rate: { name: "wallet", max: policy.maxCallsPerMinute },
    needsApproval: approveAbove !== undefined && offer.amount > approveAbove,
  };
}

function findProvider({ providers }: ReadPolicy, url: string): ReadProvider {
  const { origin } = new URL(url);
  const found = providers.find(({ origins }) => origins.includes(origin));
  if (found) return found;
  throw new PaymentError("ORIGIN_NOT_ALLOWED", {
    problem: `${origin} asks for a payment, and the policy names no provider at that origin.`,
    nextStep: "Nothing was paid. If it is to be paid, a person adds it to the policy.",
    details: { origin },
  });
}

function quoteOf(policy: ReadPolicy, provider: ReadProvider, question: PermitQuestion): Quote {
  const limits = [policy.maxPerCall, provider.maxPerCall, question.maxAmount];
  return {
    provider: provider.id,
    service: `${provider.id}/fetch`,
    request: question.request,
    maxAmount: limits.reduce<bigint>(
      (least, limit) => (limit !== undefined && limit < least ? limit : least),
      policy.maxPerCall,
    ),
    currency: "usd",
    payTo: provider.payees as Quote["payTo"],
    assets: provider.assets,
  };
}

/** See docs/decisions/0004-scopes.md: every cap is a scope of the reservation. */
function scopesOf(
  { maxPerMonth, maxPerPurchase }: ReadPolicy,
  provider: ReadProvider,
  { purchase, scope }: PermitQuestion,
): LedgerScope[] {
  const scopes: LedgerScope[] = [
    {
      name: `provider:${scope}/${provider.id}`,
      kind: "cap",
      max: provider.maxPerMonth,
      perMonth: true,
    },
    { name: "wallet", kind: "cap", max: maxPerMonth, perMonth: true },
  ];
  // Without one of its own, a purchase is held to the price of a call: it never has two payments that count.
  if (maxPerPurchase !== undefined) {
    const name = `purchase:${purchase}`;
    scopes.push({ name, kind: "budget", max: maxPerPurchase, perMonth: false });
  }
  return scopes;
}

/** What is wrong with an amount under a limit of which this much is used, as the ledger would put it. */
export function findExcess(
  amount: bigint,
  { name, kind, max }: LedgerScope,
  used: bigint,
): PaymentError | undefined {
  if (used + amount <= max) return undefined;
  const [asked, left] = [amount, max > used ? max - used : 0n].map((value) =>
    formatDecimal(value, 6),
  );
  return new PaymentError(kind === "budget" ? "BUDGET_EXCEEDED" : "CAP_EXCEEDED", {
    problem: `${asked} is asked for, and ${left} is left under ${name}.`,
    nextStep: "Choose something cheaper, or ask the human to raise the limit.",
    details: { scope: name },
  });
}

/** What is wrong with one more payment where so many were begun in the last minute, as the ledger would put it. */
export function findTooOften({ max }: LedgerRate, begun: number): PaymentError | undefined {
  if (begun < max) return undefined;
  return new PaymentError("RATE_EXCEEDED", {
    problem: `${begun} payments were begun in the last minute, and ${max} are allowed.`,
    nextStep: "Nothing was paid. Wait a minute, or find out what pays so often.",
  });
}
