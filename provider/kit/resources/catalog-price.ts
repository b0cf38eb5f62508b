/**
 * A price function is held to its provider's own catalog before a quote leaves: an orchestrator pays nothing that the catalog does not say,
 * and takes it for a lie, of which the provider's author would hear from a buyer, if at all.
 */
import { parseDecimal, Price, type Service } from "../../../protocol/index.ts";
import { ProvisioningError } from "../error.ts";
import { DECIMALS, inCatalog, type Terms } from "./pricing.ts";

const reported = new WeakSet<object>();

/**
 * Throws `price_not_in_catalog` where these terms are none of the catalog's for this configuration: more, for another period, or by use where
 * it is not. The first time for each entry of the catalog a process warning says it too, where the provider's author sees it.
 */
export function requireCatalogPrice(
  { billing }: Terms,
  { service, listed }: { service: Service; listed: Service },
  configuration: Readonly<Record<string, string>>,
): void {
  if (!billing) return;
  const wrong = differenceOf(billing, service, configuration);
  if (wrong === undefined) return;
  const error = new ProvisioningError("price_not_in_catalog", {
    problem: `The price function of ${service.id} ${wrong}.`,
    nextStep:
      "Let the catalog have a price for this configuration that is no lower (`configuration` in a price limits it to inputs), or let the function ask what the catalog says.",
    details: { service: service.id, amount: billing.amount },
  });
  if (!reported.has(listed)) {
    reported.add(listed);
    const { code, problem, nextStep } = error;
    process.emitWarning(`${problem} No orchestrator pays that, so no quote is given.`, {
      type: "ProvisioningWarning",
      code,
      detail: nextStep,
    });
  }
  throw error;
}

function differenceOf(
  { amount, interval, kind }: NonNullable<Terms["billing"]>,
  service: Service,
  configuration: Readonly<Record<string, string>>,
): string | undefined {
  if (!Price.shape.amount.safeParse(amount).success)
    return `asks ${JSON.stringify(amount)}, which is no decimal text such as "12.50"`;
  const most = inCatalog(service, configuration);
  if (!most) return `asks $${amount}, and the catalog says free`;
  if (parseDecimal(amount, DECIMALS) > parseDecimal(most.amount, DECIMALS))
    return `asks $${amount}, and the catalog says $${most.amount}`;
  if (interval !== most.interval)
    return `asks by the interval "${interval}", and the catalog says "${most.interval}"`;
  if ((kind === "usage") !== (most.kind === "usage"))
    return `asks for the kind "${kind}", and the catalog says ${most.kind === "usage" ? "usage" : "not by use"}`;
  return undefined;
}
