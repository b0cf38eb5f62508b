/**
 * Our paywall before work that calls the witness: what every case of ring 3 must pass.
 */
import express from "express";
import { paywall, type PaywallOptions } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { listen, type Listening } from "../middleware/shop.ts";
import { PAY_TO } from "./endpoint.ts";

export interface ReferenceOptions extends Pick<PaywallOptions, "flow" | "facilitatorTimeoutMs"> {
  facilitatorUrl: string;
  witnessUrl: string;
  /** Default: nowhere. */
  database?: string;
  port?: number;
}

/** Sells `GET /paid`. */
export async function openReference(options: ReferenceOptions): Promise<Listening> {
  const { facilitatorUrl, witnessUrl, database = ":memory:", port, flow } = options;
  const { facilitatorTimeoutMs = 4_000 } = options;
  const db = openDatabase(database);
  const app = express();
  app.disable("x-powered-by");
  const paid = paywall({
    price: "0.01",
    payTo: PAY_TO,
    db,
    facilitator: facilitatorUrl,
    facilitatorTimeoutMs,
    ...(flow && { flow }),
  });
  app.get("/paid", paid, async (_, response) => {
    const work = await fetch(witnessUrl, { method: "POST" });
    response.status(work.ok ? 200 : 502).json(await work.json());
  });
  await paid.recover();
  const server = await listen(app, port);
  return {
    url: `${server.url}/paid`,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      db.close();
    },
  };
}
