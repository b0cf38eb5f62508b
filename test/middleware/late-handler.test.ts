/** A handler that does not end its answer in time: nobody waits for ever, nobody is charged for nothing, and its late words go nowhere. */
import type { RequestHandler, Response } from "express";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRefunds, refundAmends } from "../../middleware/index.ts";
import { REFUND_SIGNER_LIMITS } from "../../middleware/refund/refund.ts";
import { accountSigner } from "../../middleware/signer/index.ts";
import { openDatabase } from "../../store/index.ts";
import { openPaidShop, present, PROTOCOLS } from "./paid-shop.ts";
import { type Market, openMarket } from "./shop.ts";

let market: Market;
beforeAll(async () => (market = await openMarket()));
afterAll(() => market[Symbol.asyncDispose]());

const FUNDS = 100_000n;
const handlerTimeoutMs = 60;
const newPayer = () => market.chain.newPayer(FUNDS);
const balanceOf = ({ address }: Awaited<ReturnType<typeof newPayer>>) =>
  market.chain.chain.balanceOf(address);

/** Never ends its first answer by itself, and keeps it to write on later; the next ones are good. */
function lateOnce() {
  const late: Response[] = [];
  const handler: RequestHandler = (_request, response) => {
    response.setHeader("X-Late", "yes");
    if (late.push(response) > 1) response.json({ fetched: "at last" });
  };
  const speak = () => late[0]!.status(200).setHeader("X-Late", "still").json({ for: "nothing" });
  return { handler, speak };
}

test.each(PROTOCOLS)(
  "work-first, %s: 504, nothing charged, and the same payment may buy later",
  async (protocol) => {
    const { handler, speak } = lateOnce();
    const { url: facilitator } = market.facilitator;
    await using shop = await openPaidShop({ facilitator, handler, handlerTimeoutMs });
    const payer = await newPayer();
    const paid = await present(shop, protocol, { payer });
    const late = await fetch(`${shop.url}/item/a`, paid);
    expect([late.status, late.headers.get("X-Late")]).toEqual([504, null]);
    expect(await late.json()).toMatchObject({ error: "handler_timeout" });
    speak();
    expect(await balanceOf(payer)).toBe(FUNDS);
    const again = await fetch(`${shop.url}/item/a`, paid);
    expect([again.status, await again.json()]).toEqual([200, { fetched: "at last" }]);
    expect(await balanceOf(payer)).toBe(FUNDS - 10_000n);
  },
);

test("what it writes while it is told to be late leaves with nothing", async () => {
  const { handler, speak } = lateOnce();
  const { url: facilitator } = market.facilitator;
  await using shop = await openPaidShop({
    facilitator,
    handler(request, response, next) {
      // In the same turn as the deadline, before anybody has answered.
      setTimeout(speak, handlerTimeoutMs);
      handler(request, response, next);
    },
    handlerTimeoutMs,
  });
  const late = await fetch(
    `${shop.url}/item/a`,
    await present(shop, "x402 v2", { payer: await newPayer() }),
  );
  const text = await late.text();
  expect([late.status, text.includes("nothing")]).toEqual([504, false]);
});

describe("settle-first", () => {
  test("the money goes back", async () => {
    const { handler, speak } = lateOnce();
    const { url: facilitator } = market.facilitator;
    const db = openDatabase(":memory:");
    const signer = accountSigner(await newPayer(), { limits: REFUND_SIGNER_LIMITS });
    const afterFailure = refundAmends(openRefunds({ db, facilitator, signer }));
    const flow = "settle-first";
    const options = { db, facilitator, flow, afterFailure, handler, handlerTimeoutMs } as const;
    await using shop = await openPaidShop(options);
    const payer = await newPayer();
    const paid = await present(shop, "x402 v2", { payer });
    const late = await fetch(`${shop.url}/item/a`, paid);
    speak();
    const body = await late.json();
    expect([late.status, body]).toMatchObject([504, { answer: { error: "handler_timeout" } }]);
    expect(late.headers.get("PAYMENT-RESPONSE")).not.toBeNull();
    expect(await balanceOf(payer)).toBe(FUNDS);
    const again = await fetch(`${shop.url}/item/a`, paid);
    expect([again.status, await again.json()]).toEqual([504, body]);
  });

  test("where nobody makes it good, the same payment has the work done", async () => {
    const { handler } = lateOnce();
    const { url: facilitator } = market.facilitator;
    const flow = "settle-first";
    await using shop = await openPaidShop({ facilitator, flow, handler, handlerTimeoutMs });
    const payer = await newPayer();
    const paid = await present(shop, "x402 v2", { payer });
    const late = await fetch(`${shop.url}/item/a`, paid);
    expect([late.status, await late.json()]).toMatchObject([504, { error: "handler_timeout" }]);
    const again = await fetch(`${shop.url}/item/a`, paid);
    expect([again.status, await again.json()]).toEqual([200, { fetched: "at last" }]);
    expect(await balanceOf(payer)).toBe(FUNDS - 10_000n);
  });

  test("an answer that has begun may take its time", async () => {
    const { url: facilitator } = market.facilitator;
    await using shop = await openPaidShop({
      facilitator,
      flow: "settle-first",
      handlerTimeoutMs,
      handler: (_request, response) => {
        response.write("first, ");
        setTimeout(() => response.end("then"), handlerTimeoutMs * 3);
      },
    });
    const paid = await present(shop, "x402 v2", { payer: await newPayer() });
    const answer = await fetch(`${shop.url}/item/a`, paid);
    expect([answer.status, await answer.text()]).toEqual([200, "first, then"]);
  });
});
