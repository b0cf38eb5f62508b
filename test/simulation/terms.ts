/** What a person allows in a plan: as the policy of the paying fetch, and as the quotes and caps of the catalog's paying call. */
import type { Quote, SpendingPolicy, WalletPort } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, formatDecimal, readOrderedOffer } from "../../protocol/index.ts";
import type { CallersWallet } from "./mutant.ts";
import type { ItemPlan, Plan } from "./plan.ts";
import type { World } from "./world.ts";

/** The policy that a plan's wallet holds to. */
export function policyOf({ shops, walletCap, ceiling, perMinute }: Plan): SpendingPolicy {
  const text = (atomic: bigint) => formatDecimal(atomic, 6);
  return {
    providers: shops.map(({ id, origin, payTo, cap }) => ({
      id,
      origins: [origin],
      payees: [payTo],
      maxPerMonth: text(cap),
    })),
    maxPerCall: text(ceiling),
    maxPerMonth: text(walletCap),
    maxCallsPerMinute: perMinute,
    local: true,
  };
}

/** What a catalog would say of an item: its own price and payee. */
export function quoteOf({ shop, url, body, price }: ItemPlan): Quote {
  return {
    provider: shop.id,
    service: `${shop.id}/items`,
    request: { method: "POST", url, body },
    maxAmount: price,
    currency: "usd",
    payTo: [shop.payTo],
    assets: [BASE_SEPOLIA_USDC],
  };
}

export function catalogPort(
  wallet: CallersWallet,
  { plan }: World,
  item: ItemPlan,
  now: () => number,
): WalletPort {
  const { shop, key } = item;
  const cap = { kind: "cap", perMonth: true } as const;
  return {
    find: (purchase) => wallet.find(purchase),
    report: (purchase, outcome) => wallet.report(purchase, outcome),
    authorize: ({ offer }) =>
      wallet.authorize({
        purchase: `pur_${key}`,
        quote: quoteOf(item),
        offer: readOrderedOffer(offer, { url: item.url, now: now() }),
        scopes: [
          { ...cap, name: `provider:p/${shop.id}`, max: shop.cap },
          { ...cap, name: "wallet", max: plan.walletCap },
        ],
      }),
  };
}
