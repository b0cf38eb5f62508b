/**
 * Calls to a provider in the name of a project: signed anew each time, with the account's token, which is renewed once where the
 * provider no longer takes it. What costs money is paid from the owner's wallet, never more than was quoted, and once: the payment's
 * bytes are the wallet's to repeat.
 */
import { payCall, type PayOutcome, type Quote } from "../middleware/index.ts";
import {
  BASE_SEPOLIA_USDC,
  type CatalogProvider,
  findAsset,
  parseDecimal,
  PurserError,
  purchaseId,
  readOrderedOffer,
  Secret,
} from "../protocol/index.ts";
import { getAddress } from "viem";
import type { Asker } from "./approvals.ts";
import type { Connections } from "./connections.ts";
import { OrchestratorError } from "./error.ts";
import type { Identity } from "./identity.ts";
import type { PaymentMethod } from "./payment-method.ts";
import type { ProviderAnswer } from "./provider-call.ts";
import type { Spending } from "./spending.ts";
import type { Database } from "../store/index.ts";

export interface ProviderOrder {
  method: "GET" | "POST";
  /** Below the provider's base URL. */
  path: string;
  /** The very bytes; "" for none. */
  body?: string;
  /** The idempotency key. */
  key?: string;
}

export interface PaidOrder extends ProviderOrder {
  body: string;
  key: string;
  /** Decimal text in US dollars. */
  amount: string;
  /** "provider/service", for the books. */
  service: string;
  resource: string;
}

export class ProviderSession {
  readonly #parts: ProviderSessionOptions;

  constructor(parts: ProviderSessionOptions) {
    this.#parts = parts;
  }

  /** Sends it, and takes no offer to pay. */
  send(asker: Asker, provider: CatalogProvider, order: ProviderOrder): Promise<ProviderAnswer> {
    const { identity } = this.#parts;
    return this.#withToken(asker, provider, (authorization) =>
      identity.sendText({
        method: order.method,
        url: provider.baseUrl + order.path,
        text: order.body ?? "",
        headers: {
          authorization,
          ...(order.key === undefined ? {} : { "idempotency-key": order.key }),
        },
      }),
    );
  }

  /** Sends it, pays the 402 that answers it, and sends the payment again until the provider has delivered. */
  async pay(asker: Asker, provider: CatalogProvider, order: PaidOrder): Promise<ProviderAnswer> {
    const wallet = await this.#parts.payment.need(asker, provider.profile.id, order.service);
    return this.#withToken(asker, provider, async (authorization) => {
      const quote = quoteOf(provider, order);
      const id = this.#remember(asker, provider, order);
      const outcome = await payCall({
        request: {
          ...quote.request,
          headers: {
            authorization,
            "content-type": "application/json",
            "idempotency-key": order.key,
          },
        },
        quote,
        purchase: { id, service: order.service, operation: OPERATION, inputs: inputsOf(order) },
        wallet: {
          find: (purchase) => wallet.find(purchase),
          report: (purchase, report) => wallet.report(purchase, report),
          authorize: ({ offer }) =>
            wallet.authorize({
              purchase: id,
              quote,
              offer: readOrderedOffer(offer, { url: quote.request.url, now: this.#parts.now() }),
              scopes: this.#parts.spending.scopes(asker, provider.profile.id),
            }),
        },
        now: this.#parts.now,
        timeoutMs: this.#parts.timeoutMs,
        // Every sending is signed anew: a signature is good once.
        fetch: (url, init) => this.#parts.identity.sendSigned(url, init),
      });
      return this.#answer(provider, order, outcome);
    });
  }

  /** Whether money has moved for this order, or may have. */
  async hasPaid(asker: Asker, order: PaidOrder): Promise<boolean> {
    const record = await this.#parts.payment.of(asker.project)?.find(purchaseOf(asker, order));
    return record !== undefined && record.state !== "released";
  }

  async #answer(
    { profile }: CatalogProvider,
    order: PaidOrder,
    outcome: PayOutcome,
  ): Promise<ProviderAnswer> {
    if (outcome.kind === "refused") {
      const { code, ...text } = outcome.error;
      if (code === "PROVIDER_UNREACHABLE")
        throw new OrchestratorError("PROVIDER_UNAVAILABLE", text);
      throw new PurserError(code, text);
    }
    if (outcome.kind === "delivered" || outcome.status === 401) {
      const { response } = outcome;
      if (response) return { status: response.status, body: await readJson(response) };
    }
    const moved = outcome.kind === "undelivered";
    throw new OrchestratorError(moved ? "PAID_UNDELIVERED" : "PAYMENT_OPEN", {
      problem: moved
        ? `${order.service} was paid for, and ${profile.id} has not delivered it yet.`
        : `A payment for ${order.service} has left, and it is not known yet whether it moved.`,
      nextStep: "Make the same call again: it sends the same payment, and never a second one.",
      details: { provider: profile.id, resource: order.resource },
    });
  }

  /** What the payment is for, in the project's books, before anything is signed. */
  #remember(asker: Asker, { profile }: CatalogProvider, order: PaidOrder): string {
    const id = purchaseOf(asker, order);
    this.#parts.db.run(
      "INSERT INTO purchase (id, project, run, provider, service, operation, inputs, ordered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      id,
      asker.project,
      asker.id,
      profile.id,
      order.service,
      OPERATION,
      JSON.stringify(inputsOf(order)),
      this.#parts.now(),
    );
    return id;
  }

  async #withToken(
    asker: Asker,
    provider: CatalogProvider,
    send: (authorization: string) => Promise<ProviderAnswer>,
  ): Promise<ProviderAnswer> {
    const { connections } = this.#parts;
    const attempt = async (rejected?: Secret) => {
      const { access_token } = await connections.bearer(asker, provider, "orchestrator", rejected);
      return { answer: await send(`Bearer ${access_token}`), token: new Secret(access_token) };
    };
    const { answer, token } = await attempt();
    return answer.status === 401 ? (await attempt(token)).answer : answer;
  }
}

export interface ProviderSessionOptions {
  db: Database;
  identity: Identity;
  connections: Connections;
  payment: PaymentMethod;
  spending: Spending;
  timeoutMs: number;
  now: () => number;
}

const OPERATION = "provision";

function inputsOf({ resource, key }: PaidOrder): Record<string, string> {
  return { resource, order: key };
}

function purchaseOf({ project }: Asker, order: PaidOrder): string {
  const { service } = order;
  return purchaseId({ project, service, operation: OPERATION, inputs: inputsOf(order) });
}

function quoteOf({ baseUrl, profile }: CatalogProvider, order: PaidOrder): Quote {
  const known = profile.payment.assets.flatMap(({ network, address }) => {
    return findAsset(network, address) ?? [];
  });
  const decimals = known[0]?.decimals ?? BASE_SEPOLIA_USDC.decimals;
  return {
    provider: profile.id,
    service: order.service,
    request: { method: order.method, url: baseUrl + order.path, body: order.body },
    maxAmount: parseDecimal(order.amount, decimals),
    currency: "usd",
    payTo: profile.payment.pay_to.map((address) => getAddress(address.toLowerCase())),
    assets: known.filter((asset) => asset.decimals === decimals),
  };
}

/** A provider's answer, which the paying call has read within its limits. */
async function readJson(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text());
  } catch {
    return undefined;
  }
}
