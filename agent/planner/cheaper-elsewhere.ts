/** Offers that are cheaper than the chosen ones and were not taken, each with why: nobody should wonder afterwards. */
import { CAPABILITIES } from "../../protocol/index.ts";
import type { ServiceFact } from "./facts.ts";
import { domainPrice, flatPrice, writeMoney } from "./price.ts";
import type { Ruling } from "./ruling.ts";
import type { Stack } from "./stack.ts";

interface Offer {
  provider: string;
  what: string;
  price: bigint;
}

export function cheaperElsewhere(
  stack: Stack,
  services: readonly ServiceFact[],
  rulings: readonly Ruling[],
): string[] {
  const others = services.filter(({ provider }) => provider !== stack.provider);
  return cheapestOffers(stack, others).map(({ provider, what, price }) => {
    const ruled = rulings.find((ruling) => ruling.provider === provider);
    const why = ruled?.reason.replace(/\.$/, "") ?? whyNot(provider, stack, services);
    return `${provider} offers ${what} for ${writeMoney(price)}, but ${why}.`;
  });
}

/** For each part that is paid for, the cheapest offer of somebody else that costs less. */
function cheapestOffers(stack: Stack, others: readonly ServiceFact[]): Offer[] {
  const offers: (Offer & { than: bigint })[] = [];
  for (const { hostname, domain, price: than } of stack.domains) {
    for (const service of others.filter(({ gives }) => gives.includes(CAPABILITIES.domain))) {
      const price = domainPrice(service, hostname)?.price;
      if (price !== undefined)
        offers.push({ provider: service.provider, what: domain, price, than });
    }
  }
  const flat = [
    [stack.hosting, CAPABILITIES.hosting, "hosting"],
    [stack.storage, CAPABILITIES.keyValue, "storage"],
  ] as const;
  for (const [chosen, capability, what] of flat) {
    const than = chosen && flatPrice(chosen);
    if (than === undefined) continue;
    for (const service of others.filter(({ gives }) => gives.includes(capability))) {
      const price = flatPrice(service);
      if (price !== undefined) offers.push({ provider: service.provider, what, price, than });
    }
  }
  const cheaper = offers
    .filter(({ price, than }) => price < than)
    .toSorted((a, b) => (a.price < b.price ? -1 : 1));
  return cheaper.filter(
    ({ what }, index) => cheaper.findIndex((offer) => offer.what === what) === index,
  );
}

/** What a provider that could not be weighed lacks. */
function whyNot(provider: string, stack: Stack, services: readonly ServiceFact[]): string {
  const gives = services
    .filter((service) => service.provider === provider)
    .flatMap((service) => service.gives);
  const lacks = [
    ...(stack.hosting && !gives.includes(CAPABILITIES.hosting) ? ["hosting"] : []),
    ...(stack.storage && !gives.includes(CAPABILITIES.keyValue) ? ["storage"] : []),
    ...(stack.domains.length > 0 && !gives.includes(CAPABILITIES.domain) ? ["domains"] : []),
  ];
  return lacks.length > 0
    ? `it has no ${lacks.join(" and no ")}, and one provider has to do all of it`
    : "all of it together is not cheaper there, or cannot be had there";
}
