/** What services cost, in millionths of a dollar, from the structured prices of the catalog alone. */
import { formatDecimal, parseDecimal } from "../../protocol/index.ts";
import { registrable } from "../domain-name.ts";
import type { ServiceFact } from "./facts.ts";

const DECIMALS = 6;

export function readMoney(text: string): bigint {
  return parseDecimal(text, DECIMALS);
}

export function writeMoney(amount: bigint): string {
  return `$${formatDecimal(amount, DECIMALS)}`;
}

/** The price of a service that no input changes; undefined when the catalog has none that fits. */
export function flatPrice({ free, prices }: ServiceFact): bigint | undefined {
  if (free) return 0n;
  const price = prices.find(({ when }) => when === undefined);
  return price && readMoney(price.amount);
}

export interface DomainPrice {
  /** The name to buy: `nimbus.dev` for `www.nimbus.dev`. */
  domain: string;
  price: bigint;
}

/** What a service sells a hostname's domain for, or undefined when it does not sell that extension. */
export function domainPrice(service: ServiceFact, hostname: string): DomainPrice | undefined {
  // The longest extension decides: "co.uk" before "uk".
  const byExtension = service.prices
    .flatMap(({ amount, when }) => {
      const extension = when?.["extension"]?.toLowerCase();
      const domain = extension === undefined ? undefined : registrable(hostname, extension);
      return extension === undefined || domain === undefined ? [] : [{ domain, extension, amount }];
    })
    .toSorted((a, b) => b.extension.length - a.extension.length)[0];
  if (byExtension) return { domain: byExtension.domain, price: readMoney(byExtension.amount) };
  const price = flatPrice(service);
  return price === undefined
    ? undefined
    : { domain: hostname.split(".").slice(-2).join("."), price };
}

export function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
