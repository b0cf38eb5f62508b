/**
 * What somebody agreed to pay for a period. Nobody is there when the next one is due, so it is paid only up to that: a price that has risen
 * since is the person's to accept.
 */
import {
  formatDecimal,
  parseDecimal,
  priceOf,
  type Quote,
  type Service,
} from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";
import { USD_DECIMALS } from "./projects.ts";
import type { ResourceRow } from "./resource-store.ts";

/** The quote that was paid (of what is billed by use, the price of a unit), or the catalog's price where this order costs nothing yet; null where no period is ever billed. */
export function agreedOf(
  service: Service,
  configuration: Readonly<Record<string, string>>,
  quote: Pick<Quote, "amount"> | undefined,
): string | null {
  const listed = priceOf(service, configuration);
  if (!listed) return null;
  if (listed.kind === "usage") return listed.amount;
  const paid = quote && parseDecimal(quote.amount, USD_DECIMALS) > 0n;
  return paid === true ? quote.amount : listed.amount;
}

/** Throws `RENEWAL_ABOVE_AGREED`. What is billed by use has no amount of its own: its unit's price is held to what was agreed. */
export function checkAgreed(
  { id, service: reference, agreed }: ResourceRow,
  service: Service,
  configuration: Readonly<Record<string, string>>,
  amount: bigint,
): void {
  const listed = priceOf(service, configuration);
  const asked = listed?.kind === "usage" ? parseDecimal(listed.amount, USD_DECIMALS) : amount;
  if (agreed !== null && asked <= parseDecimal(agreed, USD_DECIMALS)) return;
  throw new OrchestratorError("RENEWAL_ABOVE_AGREED", {
    problem: `The next period of ${reference} costs $${formatDecimal(asked, USD_DECIMALS)}, and $${agreed ?? "0"} was agreed to; nothing was paid.`,
    nextStep: "Ask the person, and renew it with a quote, or remove it.",
    details: { resource: id, service: reference, agreed: agreed ?? "0" },
  });
}
