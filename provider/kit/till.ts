/**
 * The till: a route of a provider's own API that costs money. The price is the catalog's, the payee the profile's, and the
 * project's mandate is kept: the amount is held, with the thing sold, before the money moves, and both become the buyer's in
 * the transaction that records the settlement.
 */
import type { Request, RequestHandler } from "express";
import {
  type PaywallAnswer,
  type PaywallQuote,
  type PaywallRefusal,
  quotedPaywall,
} from "../../middleware/index.ts";
import { parseDecimal, priceOf, type ServicesPage } from "../../protocol/index.ts";
import type { Database } from "../../store/index.ts";
import type { Connection } from "./connections.ts";
import { describeError, ENVELOPES, ProvisioningError } from "./error.ts";
import type { ProviderOptions } from "./options.ts";
import type { Spending } from "./spending.ts";

/** What is for sale on one route. Everything but `quote` may be called again for the same payment, and must then do nothing new. */
export interface Ware<Order> {
  /** Unique in the provider. */
  readonly name: string;
  /** The catalog entry that says what it costs. */
  readonly service: string;
  /** Reads the request and says for whom and what it is, or throws. Asked before any 402, so that what cannot be sold has no price. */
  quote(request: Request): Quoted<Order> | Promise<Quoted<Order>>;
  /** Keeps it for the buyer while the money moves, or throws. Inside a transaction. */
  hold(held: Held<Order>): void;
  /** It is the buyer's now; the answer they get. Inside a transaction. */
  deliver(held: Held<Order>): PaywallAnswer;
  /** The money will never come. Inside a transaction. */
  release(held: Held<Order>): void;
  /** A refusal as the API writes it; by default `{ error: { code, message } }` with the status of a `ProvisioningError`. */
  refuse?(error: unknown): PaywallAnswer;
}

export interface Quoted<Order> {
  readonly connection: Connection;
  /** What the price depends on, such as `{ domain }`. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Plain JSON; it is stored. */
  readonly order: Order;
}

export interface Held<Order> {
  readonly connection: Connection;
  readonly order: Order;
  /** Which payment it is for: payer and nonce together, because a nonce alone is anybody's to use. */
  readonly payment: string;
}

export interface Till {
  /** The route's handler, behind authentication and `express.json()`. */
  sell<Order>(ware: Ware<Order>): RequestHandler;
  /** Ends what a crash left open; resolves to the number of sales that still are. */
  recover(): Promise<number>;
}

export interface TillOptions extends Pick<
  ProviderOptions,
  "publicUrl" | "facilitatorUrl" | "payTo" | "asset" | "crooked"
> {
  database: Database;
  catalog: ServicesPage;
  spending: Spending;
  now: () => number;
}

export function openTill(options: TillOptions): Till {
  const { database, spending, publicUrl, facilitatorUrl, now } = options;
  const recoveries: (() => Promise<number>)[] = [];
  return {
    sell: <Order>(ware: Ware<Order>) => {
      const refuse = (error: unknown): PaywallAnswer =>
        ware.refuse?.(error) ?? describeError(error, ENVELOPES.flat);
      const paywall = quotedPaywall<Stored<Order>>({
        db: database,
        name: ware.name,
        facilitator: facilitatorUrl,
        publicOrigin: publicUrl,
        now,
        quote: async (request) => {
          try {
            return ask(await ware.quote(request), ware.service, options);
          } catch (error) {
            return { refusal: refuse(error) };
          }
        },
        work: ({ order: { connection, order }, amount, ...sale }): PaywallRefusal | undefined => {
          const payment = paymentId(sale);
          try {
            database.transaction(() => {
              spending.hold({ connection, service: ware.service, amount, payment });
              ware.hold({ connection, order, payment });
            });
            return undefined;
          } catch (error) {
            return { refusal: refuse(error) };
          }
        },
        settled: ({ order: { connection, order }, ...sale }) => {
          const payment = paymentId(sale);
          spending.settle(payment);
          return ware.deliver({ connection, order, payment });
        },
        abandoned: ({ order: { connection, order }, ...sale }) => {
          const payment = paymentId(sale);
          spending.release(payment);
          ware.release({ connection, order, payment });
        },
      });
      recoveries.push(() => paywall.recover());
      return paywall.handler;
    },
    recover: async () => {
      const open = await Promise.all(recoveries.map((recover) => recover()));
      return open.reduce((sum, count) => sum + count, 0);
    },
  };
}

function paymentId({ payer, nonce }: { payer: string; nonce: string }): string {
  return `${payer}/${nonce}`.toLowerCase();
}

interface Stored<Order> {
  readonly connection: Connection;
  readonly order: Order;
}

function ask<Order>(
  { connection, inputs, order }: Quoted<Order>,
  serviceId: string,
  { catalog, spending, asset, payTo, crooked }: TillOptions,
): PaywallQuote<Stored<Order>> {
  const service = catalog.data.find(({ id }) => id === serviceId);
  const price = service && priceOf(service, inputs);
  if (!price) {
    throw new ProvisioningError("not_found", {
      problem: `The catalog has no price of ${serviceId}.`,
      nextStep: "Read the catalog.",
    });
  }
  const catalogAmount = parseDecimal(price.amount, asset.decimals);
  const amount = crooked?.overcharge?.(catalogAmount) ?? catalogAmount;
  spending.check({ connection, service: serviceId, amount });
  return {
    amount,
    asset,
    payTo: crooked?.payTo ?? payTo,
    description: `${catalog.provider.name} ${serviceId}: ${price.freeform}`,
    order: { connection, order },
  };
}
