/** Unpaid requests per second: our paywall's 402 beside plain Express that answers the same bytes. */
import { Agent, request as httpRequest } from "node:http";
import express from "express";
import { paywall } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { listen } from "../../test/middleware/shop.ts";
import { type Bench, median } from "./bench.ts";

const ROUNDS = 15;
/** Rounds of which nothing is counted, in which what is often called is compiled. */
const WARM_UP = 2;
const REQUESTS = 2_000;
const CONCURRENCY = 32;

export const unpaidRequests: Bench = {
  name: "unpaid request (402)",
  unit: "/s",
  target: 0,
  better: "higher",
  timesBest: 0.9,
  async measure() {
    const db = openDatabase(":memory:");
    const payTo = `0x${"c3".repeat(20)}` as const;
    const facilitator = "http://127.0.0.1:1";
    const description = "One item";
    const middleware = paywall({ price: "0.01", payTo, db, facilitator, description });
    const shop = express().disable("x-powered-by");
    shop.get("/items/:item", middleware, (_, response) => void response.json({ sold: true }));
    await using server = await listen(shop);
    const paywalled = `${server.url}/items/a`;
    const sample = await fetch(paywalled);
    const body = await sample.text();
    const names = ["content-type", "cache-control", "vary", "payment-required", "www-authenticate"];
    const headers = names.flatMap((name) => {
      const value = sample.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    const app = express();
    app.disable("x-powered-by");
    if (!sample.headers.has("etag")) app.disable("etag");
    app.get("/items/:item", (_, response) => {
      for (const [name, value] of headers) response.setHeader(name, value);
      response.status(402).send(body);
    });
    await using plain = await listen(app);
    const ours: number[] = [];
    const best: number[] = [];
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      const rates = [await measure(`${plain.url}/items/a`), await measure(paywalled)] as const;
      if (round < WARM_UP) continue;
      best.push(rates[0]);
      ours.push(rates[1]);
    }
    return { ours: median(ours), best: median(best), bestName: "plain Express" };
  },
};

async function measure(url: string): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const get = () =>
    new Promise<void>((resolve, reject) => {
      const sent = httpRequest(url, { agent }, (response) => {
        response.resume().once("end", resolve);
      });
      sent.once("error", reject).end();
    });
  const queue = Array.from({ length: REQUESTS }).values();
  const worker = async () => {
    for (const _ of queue) await get();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const rate = (REQUESTS * 1_000) / (performance.now() - start);
  agent.destroy();
  return rate;
}
