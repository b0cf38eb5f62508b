/**
 * x402 v1 through `x402-express`, unmodified. It fixes its price when it is made, so one is made for each sale, and gates nothing
 * but the payment: it is handed a request and a response of our own making, whose path is always the one route it is given, and
 * its "handler" is the moment between verification and settlement. What it writes reaches nobody.
 */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { decodeJson, encodeJson, parseJson } from "../../protocol/offer.ts";
import {
  readOutcome,
  readReason,
  type SettleOutcome,
  type Verdict,
  within,
} from "./facilitator-port.ts";
import { isInstalled, lazily, loadPackage } from "./load-package.ts";
import type { PaymentStep } from "./payment-step.ts";
import { withoutQuery } from "./protocols.ts";
import type { SaleRecord } from "./sale-record.ts";
import { MIME_TYPE } from "./terms.ts";

const PACKAGE = "x402-express";
const ROUTE = "/";
/** What it says, before it asks anybody, of a payment for terms that were not asked. */
const OTHER_TERMS = "Unable to find matching payment requirements";

export const takesV1 = isInstalled(PACKAGE);
const loadStock = lazily(() => loadPackage(PACKAGE, () => import("x402-express")));

export interface StockStepOptions {
  readonly record: SaleRecord<unknown>;
  /** Where its facilitator is: it takes no other than a URL. */
  readonly facilitatorUrl: () => Promise<string>;
  readonly timeoutMs: number;
  /** The seller's own name for the settlement. */
  readonly name: string;
}

export function stockStep({
  record,
  facilitatorUrl,
  timeoutMs,
  name,
}: StockStepOptions): PaymentStep {
  const paper = new Paper();
  const verified = Promise.withResolvers<void>();
  let run: Promise<unknown> | undefined;
  const start = async () => {
    const middleware = await makeMiddleware(record, await facilitatorUrl(), name);
    const next: NextFunction = () => verified.resolve();
    return middleware(paperRequest(record), paper as unknown as Response, next);
  };
  return {
    verify: async () => {
      run = start();
      const ended = run.then(() => readRefusal(paper));
      const passed = verified.promise.then(() => VALID);
      return (await within(timeoutMs, () => Promise.race([passed, ended]))) ?? UNKNOWN;
    },
    settle: async () => {
      paper.status(200).end();
      await within(timeoutMs, async () => run);
      const receipt = paper.header("X-PAYMENT-RESPONSE");
      // What failed it does not tell well: the facilitator is asked again by whoever needs to know.
      return receipt === undefined ? UNKNOWN : readOutcome(decodeJson(receipt));
    },
  };
}

const VALID = { state: "valid" } as const satisfies Verdict;
const UNKNOWN = { state: "unknown" } as const satisfies Verdict & SettleOutcome;

async function makeMiddleware(
  { sale, description, asked }: SaleRecord<unknown>,
  url: string,
  settleName: string,
): Promise<RequestHandler> {
  const { paymentMiddleware } = await loadStock();
  const { amount, asset, payTo } = sale;
  const { name, version } = asset.eip712;
  const { address, decimals } = asset;
  const price = {
    amount: amount.toString(),
    asset: { address, decimals, eip712: { name, version } },
  };
  const config = {
    description,
    mimeType: MIME_TYPE,
    maxTimeoutSeconds: asked.maxTimeoutSeconds,
    resource: withoutQuery(asked).resource as `${string}://${string}`,
  };
  const network = asset.networkName as "base-sepolia";
  const facilitator = {
    url: url.replace(/\/$/, "") as `${string}://${string}`,
    createAuthHeaders: async () => ({
      verify: {},
      settle: { "Idempotency-Key": settleName },
      supported: {},
    }),
  };
  return paymentMiddleware(payTo, { [ROUTE]: { price, network, config } }, facilitator);
}

/** All that it reads of a request. */
function paperRequest({ payload, asked: { method } }: SaleRecord<unknown>): Request {
  const payment = encodeJson(payload);
  const headers: Record<string, string> = { "x-payment": payment };
  const request = { path: ROUTE, originalUrl: ROUTE, method, protocol: "http", headers };
  const header = (name: string) => headers[name.toLowerCase()];
  return Object.assign(request, { header }) as unknown as Request;
}

/** A response that is written on and never sent. */
class Paper {
  statusCode = 200;
  text = "";
  readonly #headers = new Map<string, string>();

  status(code: number): this {
    this.statusCode = code;
    return this;
  }
  setHeader(name: string, value: string): this {
    this.#headers.set(name.toLowerCase(), value);
    return this;
  }
  header(name: string): string | undefined {
    return this.#headers.get(name.toLowerCase());
  }
  json(body: unknown): this {
    return this.end(JSON.stringify(body));
  }
  send(text: string): this {
    return this.end(text);
  }
  end(text?: string): this {
    this.text = text ?? "";
    return this;
  }
  writeHead(): this {
    return this;
  }
  write(): boolean {
    return true;
  }
  flushHeaders(): void {}
}

/** A code of the specification's, or nothing: its error pages and exceptions' texts say nothing about the payment. */
function readRefusal({ statusCode, text }: Paper): Verdict {
  if (statusCode !== 402) return { state: "unknown" };
  const error = (parseJson(text) as { error?: unknown } | undefined)?.error;
  if (error === OTHER_TERMS) return { state: "refused", reason: "invalid_payment_requirements" };
  return readReason(error);
}
