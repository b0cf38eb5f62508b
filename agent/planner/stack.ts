/**
 * A stack is a set of services that together reach the goal: hosting, its domains, its storage, and what those need. It lies
 * at one provider, because nothing in a catalog promises that one provider's hosting serves another's domain.
 */
import { CAPABILITIES } from "../../protocol/index.ts";
import type { ServiceFact } from "./facts.ts";
import { domainPrice, flatPrice } from "./price.ts";

export interface DomainPart {
  service: ServiceFact;
  /** Where the site shall be. */
  hostname: string;
  /** What is bought for it. */
  domain: string;
  price: bigint;
}

export interface Stack {
  provider: string;
  /** Absent where only a domain is wanted. */
  hosting: ServiceFact | undefined;
  storage: ServiceFact | undefined;
  /** The first is where the site is shown to be live. */
  domains: DomainPart[];
  /** Services that the others need. */
  support: ServiceFact[];
}

export interface StackNeeds {
  hostnames: string[];
  storage: boolean;
  hosting: boolean;
}

/** The stacks that the catalog allows, the cheapest first, ties in the catalog's order. */
export function findStacks(services: readonly ServiceFact[], needs: StackNeeds): Stack[] {
  const providers = [...new Set(services.map(({ provider }) => provider))];
  return providers
    .flatMap((provider) => {
      const own = services.filter((service) => service.provider === provider);
      return stackOf(provider, own, needs) ?? [];
    })
    .toSorted((a, b) => compare(stackPrice(a), stackPrice(b)));
}

/** What a whole stack costs at first. */
export function stackPrice(stack: Stack): bigint {
  const flat = [stack.hosting, stack.storage, ...stack.support].reduce(
    (sum, service) => sum + (service ? (flatPrice(service) ?? 0n) : 0n),
    0n,
  );
  const domains = new Map(stack.domains.map(({ domain, price }) => [domain, price]));
  return [...domains.values()].reduce((sum, price) => sum + price, flat);
}

function stackOf(
  provider: string,
  services: readonly ServiceFact[],
  { hostnames, storage, hosting: wantsHosting }: StackNeeds,
): Stack | undefined {
  const serve = hostnames.length > 0 ? "attach" : "deploy";
  const hosting = wantsHosting
    ? cheapest(services, CAPABILITIES.hosting, ({ operations }) =>
        ["deploy", serve].every((operation) => operations.includes(operation)),
      )
    : undefined;
  const store = storage ? cheapest(services, CAPABILITIES.keyValue) : undefined;
  if ((wantsHosting && !hosting) || (storage && !store)) return undefined;
  const domains: DomainPart[] = [];
  for (const hostname of hostnames) {
    const part = domainPart(services, hostname);
    if (!part) return undefined;
    domains.push(part);
  }
  const chosen = [
    ...(hosting ? [hosting] : []),
    ...(store ? [store] : []),
    ...domains.map(({ service }) => service),
  ];
  const support = supportFor(services, chosen);
  return support && { provider, hosting, storage: store, domains, support };
}

function cheapest(
  services: readonly ServiceFact[],
  capability: string,
  fits: (service: ServiceFact) => boolean = () => true,
): ServiceFact | undefined {
  return services
    .filter((service) => service.gives.includes(capability) && fits(service))
    .flatMap((service) => {
      const price = flatPrice(service);
      return price === undefined ? [] : [{ service, price }];
    })
    .toSorted((a, b) => compare(a.price, b.price))[0]?.service;
}

function domainPart(services: readonly ServiceFact[], hostname: string): DomainPart | undefined {
  return services
    .filter(({ gives }) => gives.includes(CAPABILITIES.domain))
    .flatMap((service) => {
      const priced = domainPrice(service, hostname);
      return priced ? [{ service, hostname, ...priced }] : [];
    })
    .toSorted((a, b) => compare(a.price, b.price))[0];
}

/** What the chosen services need and do not give each other; undefined when the provider does not offer it. */
function supportFor(
  services: readonly ServiceFact[],
  chosen: readonly ServiceFact[],
): ServiceFact[] | undefined {
  // An account is not added: connecting to the provider, which adding anything does, makes it.
  const given = new Set<string>([CAPABILITIES.account, ...chosen.flatMap(({ gives }) => gives)]);
  const open = chosen.flatMap(({ needs }) => needs);
  const support: ServiceFact[] = [];
  for (let need = open.shift(); need !== undefined; need = open.shift()) {
    if (given.has(need)) continue;
    const service = cheapest(services, need);
    if (!service) return undefined;
    support.push(service);
    for (const capability of service.gives) given.add(capability);
    open.push(...service.needs);
  }
  return support;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
