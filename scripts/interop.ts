/**
 * What unmodified servers of other people, and ours, do when `purser check` tests them up to ring 2, as `docs/interop.md`. Each is set up
 * as its README has it, sells `GET /a` and `GET /b` for 0.01, and settles through our facilitator on a local chain.
 *
 * `npm run interop` writes the page; `--print` prints it instead.
 */
import { writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import express, { type Express, type Request } from "express";
import { getRequestListener } from "@hono/node-server";
import { paymentMiddleware as honoPaywall } from "@x402/hono";
import { Hono } from "hono";
import { paymentMiddleware as honoPaywallV1 } from "x402-hono";
import { evm, Mppx } from "mppx/express";
import { paymentMiddleware as paymentMiddlewareV1 } from "x402-express";
import { check, openLocalWorld, type Report } from "../conformance/index.ts";
import { quotedPaywall } from "../middleware/index.ts";
import { BASE_SEPOLIA_USDC } from "../protocol/index.ts";
import { openDatabase } from "../store/index.ts";
import { findingTables } from "./clients/findings.ts";
import { clientsSection } from "./clients/section.ts";

const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const PATHS = ["/a", "/b"] as const;
const { address, chainId, decimals, eip712 } = BASE_SEPOLIA_USDC;
type Mount = (app: Express, facilitatorUrl: string, origin: () => string) => void | Promise<void>;
/** What answers instead of the Express app, where a server is of another framework. */
type Serve = (facilitatorUrl: string) => RequestListener | Promise<RequestListener>;

const sell = (app: Express) => {
  for (const path of PATHS) app.get(path, (_, response) => void response.json({ path }));
};

/** Hono on Node, as its documentation has it. */
const onHono = (app: Hono): RequestListener => {
  for (const path of PATHS) app.get(path, (context) => context.json({ path }));
  const listener = getRequestListener(app.fetch);
  return (request, response) => void listener(request, response);
};

const HONO_SERVERS: Readonly<Record<string, Serve>> = {
  "x402-hono 1.1.0": (url) => {
    const app = new Hono();
    const price = { amount: "10000", asset: { address, decimals, eip712 } };
    const route = { price, network: "base-sepolia" } as const;
    const routes = { "GET /a": route, "GET /b": route };
    app.use(honoPaywallV1(PAY_TO, routes, { url: url as `http://${string}` }));
    return onHono(app);
  },
  "@x402/hono 2.27.0": async (url) => {
    const app = new Hono();
    const server = new x402ResourceServer(new HTTPFacilitatorClient({ url }));
    server.register("eip155:*", new ExactEvmScheme());
    await server.initialize();
    const price = { amount: "10000", asset: address, extra: { ...eip712 } };
    const network = "eip155:84532" as const;
    const route = { accepts: { scheme: "exact", network, price, payTo: PAY_TO } };
    const routes = { "GET /a": route, "GET /b": route };
    app.use(honoPaywall(routes, server, undefined, undefined, false));
    return onHono(app);
  },
};

const SERVERS: Readonly<Record<string, Mount>> = {
  "x402-express 1.2.0": (app, url) => {
    const price = { amount: "10000", asset: { address, decimals, eip712 } };
    const route = { price, network: "base-sepolia" } as const;
    const routes = { "GET /a": route, "GET /b": route };
    app.use(paymentMiddlewareV1(PAY_TO, routes, { url: url as `http://${string}` }));
    sell(app);
  },
  "@x402/express 2.27.0": async (app, url) => {
    const client = new HTTPFacilitatorClient({ url });
    const server = new x402ResourceServer(client).register("eip155:*", new ExactEvmScheme());
    await server.initialize();
    const price = { amount: "10000", asset: address, extra: { ...eip712 } };
    const network = "eip155:84532" as const;
    const route = { accepts: { scheme: "exact", network, price, payTo: PAY_TO } };
    const routes = { "GET /a": route, "GET /b": route };
    app.use(paymentMiddleware(routes, server, undefined, undefined, false));
    sell(app);
  },
  "mppx 0.11.0": (app, url) => {
    const mppx = Mppx.create({
      realm: "127.0.0.1",
      secretKey: "a secret of at least thirty-two bytes",
      methods: [
        evm.charge({
          currency: address,
          chainId,
          decimals,
          authorization: { ...eip712 },
          recipient: PAY_TO,
          x402: { facilitator: url },
        }),
      ],
    });
    for (const path of PATHS) {
      app.get(path, mppx.charge({ amount: "0.01" }), (_, response) => {
        response.json({ path });
      });
    }
  },
  "purser (quotedPaywall)": (app, facilitator, publicOrigin) => {
    const { handler } = quotedPaywall<{ path: string }>({
      db: openDatabase(":memory:"),
      name: "interop",
      facilitator,
      publicOrigin,
      quote: ({ path }: Request) => ({
        amount: 10_000n,
        asset: BASE_SEPOLIA_USDC,
        payTo: PAY_TO,
        description: "One answer",
        order: { path },
      }),
      work: () => undefined,
      settled: ({ order }) => ({ status: 200, body: order }),
    });
    for (const path of PATHS) app.get(path, handler);
  },
};

if (process.argv.includes("--help")) {
  process.stdout.write("npm run interop: writes docs/interop.md; --print prints it instead.\n");
  process.exit(0);
}
await using world = await openLocalWorld();
const reports: [name: string, report: Report][] = [];
const names = ["x402-express", "x402-hono", "@x402/express", "@x402/hono", "mppx", "purser"];
const all = Object.entries({ ...SERVERS, ...HONO_SERVERS }).toSorted(
  ([a], [b]) => placeOf(a) - placeOf(b),
);
for (const [name] of all) {
  const { [name]: mount } = SERVERS;
  const app = express();
  const listener = (await HONO_SERVERS[name]?.(world.facilitatorUrl)) ?? app;
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer(listener).listen(0, "127.0.0.1", () => resolve());
  await promise;
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await mount?.(app, world.facilitatorUrl, () => origin);
  const { payer } = world;
  reports.push([
    name,
    await check({ url: `${origin}/a`, ring: 2, payer, expect: { sibling: "/b" } }),
  ]);
  server.close();
  server.closeAllConnections();
  process.stderr.write(`${name}: ${reports.at(-1)?.[1].outcome}\n`);
}
const clients = await clientsSection(world, (line) => void process.stderr.write(`${line}\n`));
const page = `${render(reports)}\n${clients}`;
if (process.argv.includes("--print")) process.stdout.write(page);
else writeFileSync(new URL("../docs/interop.md", import.meta.url), page);

function placeOf(name: string): number {
  return names.findIndex((one) => name.startsWith(`${one} `));
}

function render(all: readonly (readonly [string, Report])[]): string {
  const cell = (text: string) => text.replace(/[|<>]/g, "\\$&").slice(0, 160);
  const lines = [
    "# Interoperability",
    "",
    "What unmodified servers do when `purser check` tests them up to ring 2. Made by `npm run interop`, which takes seconds and",
    "nothing but this checkout: each server is set up as its README has it, sells two routes at one price, and settles through our",
    "facilitator on a local chain. What is a finding and what our policy, [checking](check.md) says.",
    "",
    "`@x402/fastify` is not in the npm registry (November 2026), and so not in the table; `x402-next` and `@x402/next` need a whole",
    "Next.js application and are not tested.",
    "",
    "Our facilitator answers a repeated `/settle` of the same payment with its first success. A server that keeps no record of its own",
    "then sells again for it: RPLY-04 and MPP-12 below show that pair, not the server alone.",
    "",
    "| server | protocols | pass | fail | warn |",
    "| --- | --- | --- | --- | --- |",
    ...all.map(
      ([name, { profiles, counts }]) =>
        `| ${name} | ${profiles.join(", ")} | ${counts.pass} | ${counts.fail} | ${counts.warn} |`,
    ),
    ...findingTables(all, cell),
  ];
  return `${lines.join("\n")}\n`;
}
