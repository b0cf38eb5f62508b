/** What would stand in the way of an order, looked at without doing anything: nobody is asked, nothing is made, no provider hears of it. */
import {
  type AddOrder,
  CatalogError,
  type CatalogProvider,
  type Confirmation,
  parseDecimal,
  type Preflight,
  type Price,
  priceOf,
  PurserError,
  type Service,
} from "../protocol/index.ts";
import { misfit } from "./account-configuration.ts";
import type { Connections } from "./connections.ts";
import type { PaymentMethod } from "./payment-method.ts";
import type { People } from "./people.ts";
import { USD_DECIMALS } from "./projects.ts";
import type { ProviderRegistry } from "./provider-registry.ts";
import type { Resources } from "./resources.ts";
import { configurationMisfit } from "./service-configuration.ts";
import type { Spending } from "./spending.ts";
import type { Terms } from "./terms.ts";

type Check = Preflight["checks"][number];

export interface PreflightParts {
  people: People;
  terms: Terms;
  connections: Connections;
  payment: PaymentMethod;
  spending: Spending;
  resources: Pick<Resources, "sold">;
  registry: Pick<ProviderRegistry, "isPlainId">;
}

export async function preflight(
  { people, terms, connections, payment, spending, resources, registry }: PreflightParts,
  project: string,
  entry: { provider: CatalogProvider; service: Service },
  order: AddOrder,
): Promise<Preflight> {
  const { profile } = entry.provider;
  const linked = connections.find(project, profile.id) !== undefined;
  const { service = entry.service, plan } = soldOr(() => resources.sold(project, entry));
  const wrong = configurationMisfit(service, order.configuration);
  const price = plan === undefined ? priced(service, order.configuration) : null;
  const costs =
    price !== undefined && price !== null && parseDecimal(price.amount, USD_DECIMALS) > 0n;
  const accepted =
    terms.isAccepted(project, profile.id, profile.tos_version) ||
    order.accept_terms === profile.tos_version;
  const spend = await spending.ofProvider(project, profile.id);
  const left =
    parseDecimal(spend.cap, USD_DECIMALS) -
    parseDecimal(spend.spent, USD_DECIMALS) -
    parseDecimal(spend.reserved, USD_DECIMALS);
  const wallet = payment.of(project) !== undefined;
  const needsWallet = costs || service.requires_payment_method;
  const checks: Check[] = [
    check(
      "E-mail verified",
      people.ofProject(project).emailVerified,
      "EMAIL_UNVERIFIED",
      "Verify the e-mail.",
    ),
    check(
      "Added here",
      service.operations["create"] === undefined,
      "BOUGHT_AT_PROVIDER",
      "Call the service's own create operation.",
    ),
    check(
      "Plan",
      plan === undefined,
      "PLAN_REQUIRED",
      `Add one of its plans first: ${plan ?? ""}.`,
    ),
    check(
      "Configuration",
      wrong === undefined,
      "INPUT_INVALID",
      `Give what the catalog's configuration_schema describes: ${wrong ?? ""}.`,
    ),
    check(
      "Settings of the account",
      // What one that speaks APP 0.1d alone takes, it has published nowhere.
      linked ||
        registry.isPlainId(profile.id) ||
        misfit(profile, order.provider_configuration ?? {}) === undefined,
      "INPUT_INVALID",
      "Give what the catalog's provider_configuration_schema describes, or leave them out.",
    ),
    check(
      "Terms accepted",
      accepted,
      "TOS_ACCEPTANCE_REQUIRED",
      `Accept version ${JSON.stringify(profile.tos_version)}.`,
    ),
    check(
      "Price known",
      price !== undefined,
      "PRICE_UNKNOWN",
      "Choose a configuration that the catalog has a price for.",
    ),
    check(
      "Payment method",
      wallet || !needsWallet,
      "PAYMENT_METHOD_REQUIRED",
      "Add a payment method.",
    ),
    check(
      "Within the cap",
      !costs || parseDecimal(price.amount, USD_DECIMALS) <= left,
      "CAP_EXCEEDED",
      "Raise the cap of the provider.",
    ),
  ];
  checks.push({
    label: linked ? "Linked" : "Not linked yet: an account is made or linked",
    pass: true,
  });
  const required: Confirmation[] = [];
  if (!accepted) required.push("tos");
  if (costs) required.push("paid");
  if (costs && price.interval === "one_time") required.push("nonrefundable");
  return {
    checks,
    confirmations_required: required,
    price: price
      ? { amount: price.amount, currency: price.currency, interval: price.interval }
      : null,
  };
}

function check(label: string, pass: boolean, code: string, remedy: string): Check {
  return pass ? { label, pass } : { label, pass, code, remedy };
}

/** The service as the project would have it, or the plans that it is a part of. */
function soldOr(sold: () => Service): { service?: Service; plan?: string } {
  try {
    return { service: sold() };
  } catch (error) {
    if (error instanceof CatalogError && error.code === "PLAN_REQUIRED")
      return { plan: error.details?.["plan"] ?? "" };
    throw error;
  }
}

/** undefined where the catalog has none for this configuration. */
function priced(service: Service, configuration: Record<string, string>): Price | null | undefined {
  try {
    return priceOf(service, configuration);
  } catch (error) {
    if (error instanceof PurserError) return undefined;
    throw error;
  }
}
