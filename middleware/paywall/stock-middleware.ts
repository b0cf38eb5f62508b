/**
 * The libraries that verify and settle a payment: `x402-express` for version 1 and `@x402/express` for version 2. Both are
 * loaded when the first payment of their version arrives (the first takes most of a second). Each fixes its price when it is
 * made, so one is made for each quote. They are handed a request whose path is always "/", the only route they are given: no
 * spelling of a path can make them pass a request on unchecked.
 */
import { createRequire } from "node:module";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { PaymentError } from "../payment-error.ts";
import type { X402Version } from "../../protocol/offer.ts";
import { type AskedRequest, MIME_TYPE, type Terms } from "./requirements.ts";

export interface StockMiddleware {
  /** Verifies the request's payment, calls `handler`, settles; the answer goes to `response`. */
  run(options: {
    x402Version: X402Version;
    terms: Terms;
    asked: AskedRequest;
    request: Request;
    response: Response;
    handler: () => Promise<void>;
  }): Promise<void>;
  /** Whether the library for v1 is installed. */
  readonly takesV1: boolean;
}

const ROUTE = "/";

export function stockMiddleware(facilitatorUrl: string): StockMiddleware {
  const makers = {
    1: lazily(() => loadV1(facilitatorUrl)),
    2: lazily(() => loadV2(facilitatorUrl)),
  };
  return {
    takesV1: isInstalled("x402-express"),
    async run({ x402Version, terms, asked, request, response, handler }) {
      const make = await makers[x402Version]();
      const middleware = await make(terms, asked);
      const facade = Object.create(request, {
        path: { value: ROUTE },
        originalUrl: { value: ROUTE },
      }) as Request;
      const failed = Promise.withResolvers<never>();
      const next: NextFunction = (error?: unknown) => {
        if (error === undefined) void handler();
        else failed.reject(error);
      };
      await Promise.race([middleware(facade, response, next), failed.promise]);
    },
  };
}

type Maker = (terms: Terms, asked: AskedRequest) => RequestHandler | Promise<RequestHandler>;

async function loadV1(facilitatorUrl: string): Promise<Maker> {
  const { paymentMiddleware } = await load("x402-express", () => import("x402-express"));
  return ({ amount, asset, payTo, description }, { resource, maxTimeoutSeconds }) => {
    const { name, version } = asset.eip712;
    const price = {
      amount: amount.toString(),
      asset: { address: asset.address, decimals: asset.decimals, eip712: { name, version } },
    };
    const config = {
      description,
      mimeType: MIME_TYPE,
      maxTimeoutSeconds,
      resource: resource as `${string}://${string}`,
    };
    const network = asset.networkName as "base-sepolia";
    const facilitator = { url: facilitatorUrl as `${string}://${string}` };
    return paymentMiddleware(payTo, { [ROUTE]: { price, network, config } }, facilitator);
  };
}

async function loadV2(facilitatorUrl: string): Promise<Maker> {
  const { paymentMiddleware, x402ResourceServer } = await load(
    "@x402/express",
    () => import("@x402/express"),
  );
  const { HTTPFacilitatorClient } = await load("@x402/core", () => import("@x402/core/server"));
  const { ExactEvmScheme } = await load("@x402/evm", () => import("@x402/evm/exact/server"));
  const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl }));
  server.register("eip155:*", new ExactEvmScheme());
  // By ourselves, because the middleware ends the whole process where the facilitator lacks what it needs.
  await server.initialize();
  return ({ amount, asset, payTo, description }, { resource, maxTimeoutSeconds }) => {
    const { name, version } = asset.eip712;
    const accepts = {
      scheme: "exact",
      network: asset.network as `${string}:${string}`,
      payTo,
      price: { amount: amount.toString(), asset: asset.address, extra: { name, version } },
      maxTimeoutSeconds,
    };
    const routes = { [ROUTE]: { accepts, resource, description, mimeType: MIME_TYPE } };
    return paymentMiddleware(routes, server, undefined, undefined, false);
  };
}

/** Loads once; a failure is forgotten, so that the next payment tries again. */
function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

async function load<T>(name: string, importIt: () => Promise<T>): Promise<T> {
  try {
    return await importIt();
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new PaymentError("PACKAGE_MISSING", {
      problem: `Taking this payment needs the package ${name}, which is not installed.`,
      nextStep: `Run npm install ${name}.`,
      cause,
    });
  }
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
