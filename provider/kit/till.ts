/**
 * The till: a route of a provider's own API that costs money. The price is the catalog's, the payee the profile's, and the
 * project's mandate is kept: the amount is held, with the thing sold, before the money moves, and both become the buyer's in
 * the transaction that records the settlement.
 */
import type { Request, RequestHandler } from "express";
import {
  creditAmends,
  openCredits,
  type PaidSale,
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
  /** The catalog entry that says what it costs, where `quote` does not. */
  readonly service?: string;
  /** Reads the request and says for whom and what it is, or throws. Asked before any 402, so that what cannot be sold has no price. */
  quote(request: Request): Quoted<Order> | Promise<Quoted<Order>>;
  /** Keeps it for the buyer while the money moves, or throws. Inside a transaction. */
  hold(held: Held<Order>): void;
  /** What must be done before the money moves and takes time; where it throws, it is released and nobody is charged. */
  prepare?(held: Held<Order>): Promise<void>;
  /** It is the buyer's now; the answer they get. Inside a transaction. */
  deliver(sold: Sold<Order>): PaywallAnswer;
  /** The money will never come. Inside a transaction. */
  release(held: Held<Order>): void;
  /** A refusal as the API writes it; by default `{ error: { code, message } }` with the status of a `ProvisioningError`. */
  refuse?(error: unknown): PaywallAnswer;
}

export interface Quoted<Order> {
  readonly connection: Connection;
  /** What the price depends on, such as `{ domain }`. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The price, where it is fixed already. */
  readonly priced?: Priced;
  /** Plain JSON; it is stored. */
  readonly order: Order;
}

export interface Priced {
  readonly service: string;
  /** Decimal text in US dollars. */
  readonly amount: string;
  /** For people. */
  readonly description: string;
}

export interface Held<Order> {
  readonly connection: Connection;
  readonly order: Order;
  /** Which payment it is for: payer and nonce together, because a nonce alone is anybody's to use. */
  readonly payment: string;
}

export interface Sold<Order> extends Held<Order> {
  readonly sale: SettledSale;
}

/** A sale whose money has moved: what has to be known to make it good. */
export type SettledSale = Omit<PaidSale<unknown>, "order">;

export interface Till {
  /** The route's handler, behind authentication and `express.json()`. */
  sell<Order>(ware: Ware<Order>): RequestHandler;
  /** Makes good a sale whose work failed after it was delivered: the charge is taken back, and the amount refunded or kept as credit. */
  makeGood(sale: SettledSale): Promise<void>;
  /** Ends what a crash left open; resolves to the number of sales that still are. */
  recover(): Promise<number>;
}

export interface TillOptions extends Pick<
  ProviderOptions,
  "publicUrl" | "facilitatorUrl" | "payTo" | "asset" | "crooked" | "afterFailure"
> {
  database: Database;
  catalog: ServicesPage;
  spending: Spending;
  now: () => number;
}

export function openTill(options: TillOptions): Till {
  const { database, spending, publicUrl, facilitatorUrl, now } = options;
  const recoveries: (() => Promise<number>)[] = [];
  // A provider without a refund account of its own keeps what it owes as credit.
  const credits = options.afterFailure ? undefined : openCredits({ db: database, now });
  const afterFailure = options.afterFailure ?? creditAmends(credits!);
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
        afterFailure,
        ...(credits && { credits }),
        quote: async (request) => {
          try {
            return ask(await ware.quote(request), ware.service, options);
          } catch (error) {
            return { refusal: refuse(error) };
          }
        },
        work: async ({ order: stored, amount, ...sale }): Promise<PaywallRefusal | undefined> => {
          const { connection, order, service } = stored;
          const payment = paymentId(sale);
          try {
            database.transaction(() => {
              spending.hold({ connection, service, amount, payment });
              ware.hold({ connection, order, payment });
            });
          } catch (error) {
            return { refusal: refuse(error) };
          }
          try {
            await ware.prepare?.({ connection, order, payment });
          } catch (error) {
            database.transaction(() => {
              spending.release(payment);
              ware.release({ connection, order, payment });
            });
            return { refusal: refuse(error) };
          }
          return undefined;
        },
        settled: ({ order: { connection, order }, ...sale }) => {
          const payment = paymentId(sale);
          spending.settle(payment);
          return ware.deliver({ connection, order, payment, sale });
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
    makeGood: async (sale) => {
      await afterFailure({ sale: { ...sale, order: undefined }, answer: undefined });
      spending.refund(paymentId(sale));
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
  readonly service: string;
  readonly connection: Connection;
  readonly order: Order;
}

function ask<Order>(
  { connection, inputs, order, priced }: Quoted<Order>,
  serviceId: string | undefined,
  { catalog, spending, asset, payTo, crooked }: TillOptions,
): PaywallQuote<Stored<Order>> {
  const price = priced ?? priceInCatalog(serviceId ?? "", inputs, catalog);
  const honest = parseDecimal(price.amount, asset.decimals);
  const amount = crooked?.overcharge?.(honest) ?? honest;
  const { service } = price;
  spending.check({ connection, service, amount });
  return {
    amount,
    asset,
    payTo: crooked?.payTo ?? payTo,
    description: `${catalog.provider.name} ${service}: ${price.description}`,
    order: { connection, order, service },
  };
}

function priceInCatalog(
  serviceId: string,
  inputs: Quoted<unknown>["inputs"],
  catalog: ServicesPage,
): Priced {
  const service = catalog.data.find(({ id }) => id === serviceId);
  const price = service && priceOf(service, inputs);
  if (price) return { service: serviceId, amount: price.amount, description: price.freeform };
  throw new ProvisioningError("not_found", {
    problem: `The catalog has no price of ${serviceId}.`,
    nextStep: "Read the catalog.",
  });
}
