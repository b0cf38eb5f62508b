import { rmSync } from "node:fs";
import express from "express";
import { expect, test } from "vitest";
import { BASE_SEPOLIA_USDC, ServicesPage } from "../../protocol/index.ts";
import {
  type OpenedProvider,
  type ProviderDefinition,
  type ProviderKit,
  startProvider,
} from "../../provider/index.ts";
import { fetchV2 } from "../middleware/stock-clients.ts";
import { openMarket } from "../middleware/shop.ts";
import { connect, read, sendSigned, startAttestor } from "./attestor.ts";
import { PAY_TO } from "./shop.ts";
import { newFolder } from "../support/temporary.ts";

interface Teahouse extends OpenedProvider {
  readonly poured: string[];
}

/** A provider that shares nothing with Cloudflare but the kit: it sells cups of tea, and gives a table for free. */
const TEAHOUSE: ProviderDefinition<Teahouse> = {
  id: "teahouse",
  name: "The Teahouse",
  termsVersion: "2026-04-30",
  services: [
    { id: "table", description: "A place to sit.", pricing: { type: "free" } },
    {
      id: "cup",
      description: "A cup of tea.",
      pricing: {
        type: "paid",
        paid: [
          { type: "freeform", freeform: "$3", amount: "3", currency: "usd", interval: "one_time" },
        ],
      },
      operations: { create: { method: "POST", path: "/cups/{kind}", paid: true } },
    },
  ],
  open: (kit) => openTeahouse(kit),
};

function openTeahouse({ authenticate, till }: ProviderKit): Teahouse {
  const poured: string[] = [];
  const api = express.Router();
  const handler = till.sell<{ kind: string }>({
    name: "cups",
    service: "cup",
    quote: async (request) => {
      const connection = await authenticate(request);
      const kind = String(request.params["kind"]);
      return { connection, inputs: { kind }, order: { kind } };
    },
    hold: () => {},
    deliver: ({ order }) => {
      poured.push(order.kind);
      return { status: 200, body: { poured: order.kind } };
    },
    release: () => {},
  });
  api.post("/cups/:kind", express.json(), handler);
  return { api, poured, provide: { table: ({ id }) => ({ TABLE: id }) } };
}

test("another provider is made of the kit: its catalog, its resources, its paid calls under its own mandate", async () => {
  await using market = await openMarket();
  await using attestor = await startAttestor();
  const dir = newFolder("teahouse");
  await using server = await startProvider(TEAHOUSE, {
    dir,
    facilitatorUrl: market.facilitator.url,
    payTo: PAY_TO,
    asset: BASE_SEPOLIA_USDC,
    trust: [attestor.trust],
  });
  const catalog = await read(await fetch(`${server.url}/provisioning/services`));
  expect(ServicesPage.parse(catalog.body).data.map(({ id }) => id)).toEqual(["table", "cup"]);

  const mandate = await attestor.mandate({ aud: "teahouse", max_amount_per_month: "5.00" });
  const session = await connect(attestor, server.url, { mandate });
  const table = await sendSigned(attestor, `${server.url}/provisioning/resources`, {
    body: { service_id: "table" },
    headers: { ...session.headers, "idempotency-key": "k" },
  });
  expect(table.body.complete.access_configuration.TABLE).toBe(table.body.id);

  const payer = await market.chain.newPayer(10_000_000n);
  const order = (kind: string) =>
    fetchV2(payer)(`${server.url}/cups/${kind}`, { method: "POST", headers: session.headers });
  expect((await order("oolong")).status).toBe(200);
  expect(await read(await order("assam"))).toMatchObject({
    status: 403,
    body: { error: { code: "spend_limit_exceeded", cap: "5.00", spent: "3.00" } },
  });
  expect(server.opened.poured).toEqual(["oolong"]);
  rmSync(dir, { recursive: true, force: true });
});
