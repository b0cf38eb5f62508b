/**
 * A quote fixes a price before it is paid. It comes from the provider, and is believed only as far as it is what was asked for, its hash
 * is its own, it has not expired, and it is not above the catalog's price; the order then names it, and pays that amount or nothing.
 */
import {
  type CatalogProvider,
  formatDecimal,
  parseDecimal,
  priceOf,
  ProvisioningQuote,
  type Quote,
  quoteHash,
  type Service,
  typedValues,
} from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import type { Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";
import { USD_DECIMALS } from "./projects.ts";
import { invalid } from "./provider-call.ts";
import { refusal } from "./provider-error.ts";
import type { ProviderSession } from "./provider-session.ts";

/** What is to be priced. */
export interface QuotedOrder {
  provider: CatalogProvider;
  service: Service;
  configuration: Readonly<Record<string, string>>;
  /** The provider's id of the resource that is changed. */
  changes?: string | undefined;
  /** Or of the one whose next period it is. */
  renews?: string | undefined;
}

/** What an order says of a quote to its provider. */
interface NamedQuote {
  quote_id: string;
  quote_hash: string;
}

export interface KeptQuote extends Quote {
  /** The provider's. */
  named: NamedQuote;
}

interface Row {
  id: string;
  service: string;
  configuration: string;
  resource: string | null;
  providerQuote: string;
  expiresAt: number;
}

export class Quotes {
  readonly #parts: QuotesOptions;

  constructor(parts: QuotesOptions) {
    this.#parts = parts;
  }

  /** Has the provider fix a price; `QUOTE_ABOVE_CATALOG` where it asks for more than it publishes. */
  async fix(asker: Asker, order: QuotedOrder): Promise<KeptQuote> {
    const { provider, service, configuration } = order;
    const resource = resourceOf(order);
    const body = JSON.stringify({
      service_id: service.id,
      configuration: typedValues(service.configuration_schema, configuration),
      purpose: purposeOf(order),
      ...(resource === undefined ? {} : { resource_id: resource }),
    });
    const path = "/provisioning/quotes";
    const answer = await this.#parts.session.send(asker, provider, { method: "POST", path, body });
    const quote = ProvisioningQuote.safeParse(answer.body).data;
    const { id } = provider.profile;
    if (answer.status !== 200 || !quote) throw refusal(id, "quote", answer);
    this.#check(quote, order);
    this.#parts.db.run(
      "INSERT INTO quote (id, project, service, configuration, resource, provider_quote, amount, interval, hash, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      keyOf(asker.project, quote),
      asker.project,
      `${id}/${service.id}`,
      JSON.stringify(configuration),
      resource ?? null,
      JSON.stringify(quote),
      quote.amount,
      quote.interval ?? "one_time",
      quote.hash,
      Date.parse(quote.expires_at),
    );
    return view(keyOf(asker.project, quote), `${id}/${service.id}`, configuration, quote);
  }

  /** The quote that an order names, if it is for that very order and holds; otherwise `QUOTE_UNKNOWN`, `QUOTE_MISMATCH`, `QUOTE_EXPIRED`. */
  named(asker: Asker, id: string, order: QuotedOrder): KeptQuote {
    const row = this.#parts.db
      .query<Row>(
        "SELECT id, service, configuration, resource, provider_quote AS providerQuote, expires_at AS expiresAt FROM quote WHERE id = ? AND project = ?",
      )
      .get(id, asker.project);
    if (!row) throw bad("QUOTE_UNKNOWN", "The project has no such quote.");
    const reference = `${order.provider.profile.id}/${order.service.id}`;
    const same =
      row.service === reference &&
      row.configuration === JSON.stringify(order.configuration) &&
      (row.resource ?? undefined) === resourceOf(order);
    if (!same) throw bad("QUOTE_MISMATCH", "The quote is for another order.");
    if (row.expiresAt <= this.#parts.now()) throw bad("QUOTE_EXPIRED", "The quote has expired.");
    const quote = ProvisioningQuote.parse(JSON.parse(row.providerQuote));
    if (quote.purpose !== purposeOf(order))
      throw bad("QUOTE_MISMATCH", "The quote is for another order.");
    return view(row.id, reference, order.configuration, quote);
  }

  #check(quote: ProvisioningQuote, order: QuotedOrder) {
    const { provider, service, configuration } = order;
    const { id } = provider.profile;
    const { service_id, purpose, resource_id } = quote;
    const isFor =
      service_id === service.id &&
      purpose === purposeOf(order) &&
      resource_id === resourceOf(order);
    if (!isFor) throw invalid(`${id} quotes something else than was asked for.`);
    if (quote.hash !== quoteHash(quote, configuration))
      throw invalid(`The hash of a quote of ${id} is not its own.`);
    if (Date.parse(quote.expires_at) <= this.#parts.now())
      throw invalid(`${id} quotes a price that has expired already.`);
    const most = priceOf(service, configuration);
    // What was used the provider has counted; the catalog says what one unit costs, and the cap limits the whole.
    if (most?.kind === "usage" && order.renews !== undefined) return;
    const asked = parseDecimal(quote.amount, USD_DECIMALS);
    if (asked === 0n) return;
    if (most && most.interval !== (quote.interval ?? "one_time"))
      throw invalid(`${id} quotes a price for another period than its catalog says.`);
    if (most && asked <= parseDecimal(most.amount, USD_DECIMALS)) return;
    const catalog = most?.amount ?? "0";
    throw new OrchestratorError("QUOTE_ABOVE_CATALOG", {
      problem: `${id} quotes $${quote.amount} for ${service.id}, and its catalog says $${catalog}; nothing was paid.`,
      nextStep: "Use another provider, or wait until the provider's catalog says what it asks.",
      details: { provider: id, amount: quote.amount, catalog_amount: catalog },
    });
  }
}

export interface QuotesOptions {
  db: Database;
  session: ProviderSession;
  now: () => number;
}

function purposeOf({ changes, renews }: QuotedOrder): ProvisioningQuote["purpose"] {
  if (renews !== undefined) return "renewal";
  return changes === undefined ? "create" : "update";
}

function resourceOf({ changes, renews }: QuotedOrder): string | undefined {
  return renews ?? changes;
}

/** What a person is asked before it is paid. */
export function confirmationOf({ id, hash, ...quote }: KeptQuote): OrchestratorError {
  const { service, amount, currency, interval, refundable, expires_at } = quote;
  return new OrchestratorError("PAYMENT_CONFIRMATION_REQUIRED", {
    problem: `${service} costs $${amount} (${interval.replace("_", " ")}), and that has not been confirmed.`,
    nextStep: "Show the person the price, and send quote with its quote_id.",
    details: {
      service,
      quote_id: id,
      quote_hash: hash,
      amount,
      currency,
      interval,
      expires_at,
      confirmations_required: refundable ? "paid" : "paid,nonrefundable",
    },
  });
}

/** Providers choose their ids, so one of them is known by the project too. */
function keyOf(project: string, { id, hash }: ProvisioningQuote): string {
  return `quo_${Buffer.from(hash).toString("hex").slice(0, 16)}_${project.slice(-8)}_${id}`.slice(
    0,
    100,
  );
}

function view(
  id: string,
  service: string,
  configuration: Readonly<Record<string, string>>,
  quote: ProvisioningQuote,
): KeptQuote {
  const { amount, currency, interval = "one_time", expires_at, hash } = quote;
  return {
    id,
    service,
    configuration: { ...configuration },
    amount: formatDecimal(parseDecimal(amount, USD_DECIMALS), USD_DECIMALS),
    currency,
    interval,
    refundable: interval !== "one_time",
    expires_at,
    hash,
    named: { quote_id: quote.id, quote_hash: hash },
  };
}

function bad(
  code: "QUOTE_UNKNOWN" | "QUOTE_MISMATCH" | "QUOTE_EXPIRED",
  problem: string,
): OrchestratorError {
  return new OrchestratorError(code, { problem, nextStep: "Ask for a new quote of this order." });
}
