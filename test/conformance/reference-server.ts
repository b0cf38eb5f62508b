/**
 * Our paywall before work that calls the witness: what every case of ring 3 must pass.
 */
import { HTTPFacilitatorClient } from "@x402/core/server";
import express from "express";
import { paywall, type PaywallFacilitator, type PaywallOptions } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { listen, type Listening } from "../middleware/shop.ts";
import { PAY_TO } from "./endpoint.ts";

export interface ReferenceOptions extends Pick<PaywallOptions, "flow" | "facilitatorTimeoutMs"> {
  facilitatorUrl: string;
  witnessUrl: string;
  /** Default: nowhere. */
  database?: string;
  port?: number;
  /** The seller's books, written behind each settlement: a call to the witness that throws where it is not taken. */
  keepsBooks?: boolean;
}

/** Sells `GET /paid`. */
export async function openReference(options: ReferenceOptions): Promise<Listening> {
  const { facilitatorUrl, witnessUrl, database = ":memory:", port, flow } = options;
  const { facilitatorTimeoutMs = 4_000, keepsBooks = false } = options;
  const db = openDatabase(database);
  const app = express();
  app.disable("x-powered-by");
  const paid = paywall({
    price: "0.01",
    payTo: PAY_TO,
    db,
    facilitator: keepsBooks ? bookkeeping(facilitatorUrl, witnessUrl) : facilitatorUrl,
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

/** A stock client of a facilitator, with a hook of the seller's behind it. */
function bookkeeping(url: string, witnessUrl: string): PaywallFacilitator {
  const client = new HTTPFacilitatorClient({ url });
  return {
    verify: (payment, terms) => client.verify(payment as never, terms as never),
    async settle(payment, terms) {
      const settled = await client.settle(payment as never, terms as never);
      const written = await fetch(`${witnessUrl}/after-settle`, { method: "POST" });
      if (!written.ok) throw new Error("The books are closed.");
      return settled;
    },
  };
}
