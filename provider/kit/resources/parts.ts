/** What the endpoints of resources work with, and what they know of one call. */
import type { Request } from "express";
import type { Service } from "../../../protocol/index.ts";
import type { Database } from "../../../store/index.ts";
import type { Connection, Connections } from "../connections.ts";
import type { OpenedProvider } from "../definition.ts";
import type { Till } from "../till.ts";
import type { TrustedIssuer } from "../trust.ts";
import type { Quotes } from "./quotes.ts";
import type { Resources } from "./store.ts";

export interface ResourceParts {
  readonly providerId: string;
  readonly publicUrl: string;
  readonly services: readonly Service[];
  readonly provider: OpenedProvider;
  readonly database: Database;
  readonly connections: Connections;
  readonly resources: Resources;
  readonly quotes: Quotes;
  readonly till: Till;
  readonly now: () => number;
}

/** A request that is signed by an orchestrator and carries a token that was granted to it. */
export interface Call {
  readonly request: Request;
  readonly signer: TrustedIssuer;
  readonly connection: Connection;
  /** The raw body. */
  readonly body: string;
}

/** Whether the request brings a payment, which the paywall alone may judge. */
export function bringsPayment(request: Request): boolean {
  return PAYMENT_HEADERS.some((name) => request.get(name) !== undefined);
}

const PAYMENT_HEADERS = ["payment-signature", "x-payment", "payment-authorization"];
