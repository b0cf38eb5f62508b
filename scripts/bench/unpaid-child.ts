/** A paywall and a plain Express server that answers the same bytes, in a process of their own, which also asks them: in turns. */
import { Agent, request as httpRequest } from "node:http";
import express from "express";
import { paywall } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { listen } from "../../test/middleware/shop.ts";
import { takeTurns } from "./turn-process.ts";

/** So many requests to each of the two. */
export interface UnpaidTurn {
  readonly requests: number;
}

/** Requests per second. */
export interface UnpaidRates {
  readonly ours: number;
  readonly plain: number;
}

const CONCURRENCY = 32;

const db = openDatabase(":memory:");
const payTo = `0x${"c3".repeat(20)}` as const;
const facilitator = "http://127.0.0.1:1";
const description = "One item";
const middleware = paywall({ price: "0.01", payTo, db, facilitator, description });
const shop = express().disable("x-powered-by");
shop.get("/items/:item", middleware, (_, response) => void response.json({ sold: true }));
const paywalled = `${(await listen(shop)).url}/items/a`;
const sample = await fetch(paywalled);
const body = await sample.text();
const names = ["content-type", "cache-control", "vary", "payment-required", "www-authenticate"];
const headers = names.flatMap((name) => {
  const value = sample.headers.get(name);
  return value === null ? [] : [[name, value] as const];
});
const app = express().disable("x-powered-by");
if (!sample.headers.has("etag")) app.disable("etag");
app.get("/items/:item", (_, response) => {
  for (const [name, value] of headers) response.setHeader(name, value);
  response.status(402).send(body);
});
const plain = `${(await listen(app)).url}/items/a`;

await takeTurns(async ({ requests }: UnpaidTurn): Promise<UnpaidRates> => ({
  plain: await measure(plain, requests),
  ours: await measure(paywalled, requests),
}));
process.exit();

async function measure(url: string, requests: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const get = () =>
    new Promise<void>((resolve, reject) => {
      const sent = httpRequest(url, { agent }, (response) => {
        response.resume().once("end", resolve);
      });
      sent.once("error", reject).end();
    });
  const queue = Array.from({ length: requests }).values();
  const worker = async () => {
    for (const _ of queue) await get();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const rate = (requests * 1_000) / (performance.now() - start);
  agent.destroy();
  return rate;
}
