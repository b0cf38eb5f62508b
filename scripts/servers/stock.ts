/**
 * The field's own sellers, unmodified, each set up as its README has it, and ours: `GET /a` and `GET /b` for 0.01. Their handlers do
 * the same work: they call the tester's witness, as `docs/check.md` shows, and fail where it fails. Each loads its own packages alone,
 * because the tester kills it and starts it again.
 */
import type { RequestListener } from "node:http";
import type { x402ResourceServer } from "@x402/express";
import type { Express, RequestHandler } from "express";
import type { Hono } from "hono";
// Not through the door, which takes a third of a second of each of a dozen starts.
import { BASE_SEPOLIA_USDC } from "../../protocol/asset.ts";

const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const PATHS = ["/a", "/b"] as const;
const { address, chainId, decimals, eip712 } = BASE_SEPOLIA_USDC;

interface ShopSettings {
  readonly facilitatorUrl: string;
  readonly witnessUrl: string;
  /** Where a server that keeps a record of its sales keeps it. */
  readonly database: string;
}

type Open = (settings: ShopSettings) => Promise<RequestListener>;

/** What is sold, as a status and a JSON body. */
async function work(witnessUrl: string): Promise<{ status: 200 | 502; body: object }> {
  const done = await fetch(witnessUrl, { method: "POST" });
  return { status: done.ok ? 200 : 502, body: (await done.json()) as object };
}

function expressWork(witnessUrl: string): RequestHandler {
  return async (_, response) => {
    const { status, body } = await work(witnessUrl);
    response.status(status).json(body);
  };
}

async function onExpress(
  protect: (app: Express) => void,
  { witnessUrl }: ShopSettings,
): Promise<RequestListener> {
  const { default: express } = await import("express");
  const app = express();
  protect(app);
  for (const path of PATHS) app.get(path, expressWork(witnessUrl));
  return app;
}

/** Hono on Node, as its documentation has it. */
async function onHono(
  protect: (app: Hono) => void,
  { witnessUrl }: ShopSettings,
): Promise<RequestListener> {
  const { Hono } = await import("hono");
  const { getRequestListener } = await import("@hono/node-server");
  const app = new Hono();
  protect(app);
  for (const path of PATHS)
    app.get(path, async (context) => {
      const { status, body } = await work(witnessUrl);
      return context.json(body, status);
    });
  const listener = getRequestListener(app.fetch);
  return (request, response) => void listener(request, response);
}

const routeV1 = {
  price: { amount: "10000", asset: { address, decimals, eip712 } },
  network: "base-sepolia",
} as const;
const routesV1 = { "GET /a": routeV1, "GET /b": routeV1 };
const urlV1 = (url: string) => ({ url: url as `http://${string}` });

const network = "eip155:84532" as const;
const priceV2 = { amount: "10000", asset: address, extra: { ...eip712 } };
const routeV2 = { accepts: { scheme: "exact", network, price: priceV2, payTo: PAY_TO } };
const routesV2 = { "GET /a": routeV2, "GET /b": routeV2 };

/** With a hook of the seller's, which the tester makes fail once (WORK-16). */
async function resourceServer({
  facilitatorUrl,
  witnessUrl,
}: ShopSettings): Promise<x402ResourceServer> {
  const { HTTPFacilitatorClient, x402ResourceServer } = await import("@x402/core/server");
  const { ExactEvmScheme } = await import("@x402/evm/exact/server");
  const client = new HTTPFacilitatorClient({ url: facilitatorUrl });
  return new x402ResourceServer(client)
    .register(network, new ExactEvmScheme())
    .onAfterSettle(async () => {
      const written = await fetch(`${witnessUrl}/after-settle`, { method: "POST" });
      if (!written.ok) throw new Error("The books are closed.");
    });
}

/** By package and version, in the order of the page. */
export const SERVERS: Readonly<Record<string, Open>> = {
  "x402-express 1.2.0": async (settings) => {
    const { paymentMiddleware } = await import("x402-express");
    const paid = paymentMiddleware(PAY_TO, routesV1, urlV1(settings.facilitatorUrl));
    return onExpress((app) => app.use(paid), settings);
  },
  "x402-hono 1.1.0": async (settings) => {
    const { paymentMiddleware } = await import("x402-hono");
    const paid = paymentMiddleware(PAY_TO, routesV1, urlV1(settings.facilitatorUrl));
    return onHono((app) => app.use(paid), settings);
  },
  "@x402/express 2.27.0": async (settings) => {
    const { paymentMiddleware } = await import("@x402/express");
    const paid = paymentMiddleware(routesV2, await resourceServer(settings));
    return onExpress((app) => app.use(paid), settings);
  },
  "@x402/hono 2.27.0": async (settings) => {
    const { paymentMiddleware } = await import("@x402/hono");
    const paid = paymentMiddleware(routesV2, await resourceServer(settings));
    return onHono((app) => app.use(paid), settings);
  },
  "mppx 0.11.0": async ({ facilitatorUrl, witnessUrl }) => {
    const { evm, Mppx } = await import("mppx/express");
    const { default: express } = await import("express");
    const charge = evm.charge({
      currency: address,
      chainId,
      decimals,
      authorization: { ...eip712 },
      recipient: PAY_TO,
      x402: { facilitator: facilitatorUrl },
    });
    const secretKey = "a secret of at least thirty-two bytes";
    const mppx = Mppx.create({ realm: "127.0.0.1", secretKey, methods: [charge] });
    const app = express();
    for (const path of PATHS)
      app.get(path, mppx.charge({ amount: "0.01" }), expressWork(witnessUrl));
    return app;
  },
  "purser (paywall)": async ({ facilitatorUrl, witnessUrl, database }) => {
    const { paywall } = await import("../../middleware/index.ts");
    const { openDatabase } = await import("../../store/index.ts");
    const { default: express } = await import("express");
    const db = openDatabase(database);
    const paid = paywall({ price: "0.01", payTo: PAY_TO, db, facilitator: facilitatorUrl });
    const app = express();
    app.disable("x-powered-by");
    for (const path of PATHS) app.get(path, paid, expressWork(witnessUrl));
    await paid.recover();
    return app;
  },
};
