/** The seller's side, on a real chain and facilitator, with payments of our own making and the field's own clients. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readSettleResponse } from "../../protocol/index.ts";
import { openDatabase } from "../../store/index.ts";
import { newAuthorization } from "../support/chain.ts";
import { ITEMS, order, pay, readOffers } from "./payments.ts";
import { type Market, openMarket, openShop } from "./shop.ts";
import { fetchV1, fetchV2 } from "./stock-clients.ts";

let market: Market;
let facilitatorUrl: string;
beforeAll(async () => {
  market = await openMarket();
  facilitatorUrl = market.facilitator.url;
});
afterAll(() => market[Symbol.asyncDispose]());

const VERSIONS = [1, 2] as const;
const fail = (): never => {
  throw new Error("disk full");
};
const balanceOf = (address: `0x${string}`) => market.chain.chain.balanceOf(address);

test("an unpaid request is answered with the price, for both versions, and cached by nobody", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const response = await fetch(`${shop.url}/shop/items/a?colour=red`);
  expect(response.status).toBe(402);
  expect(response.headers.get("cache-control")).toBe("no-store");
  const offers = await readOffers(response);
  expect(offers.map(({ x402Version }) => x402Version)).toEqual([2, 1]);
  for (const offer of offers) {
    expect(offer).toMatchObject({
      scheme: "exact",
      network: "eip155:84532",
      amount: 10_000n,
      payTo: shop.payTo,
      resource: `${shop.url}/shop/items/a?colour=red`,
    });
  }
});

test("what is not for sale is refused before any price", async () => {
  const onQuote = () => ({ refusal: { status: 409, body: { error: "taken" } } });
  await using shop = await openShop({ facilitatorUrl, onQuote });
  const response = await fetch(shop.url + ITEMS, order("a"));
  expect([response.status, await response.json()]).toEqual([409, { error: "taken" }]);
});

test.each([
  ["at once", () => fail()],
  ["later", async () => fail()],
])("a quote that fails %s is the shop's own error, and no price", async (_, quote) => {
  await using shop = await openShop({ facilitatorUrl, quote });
  const response = await fetch(shop.url + ITEMS, order("a"));
  expect([response.status, await response.json()]).toEqual([500, { error: "disk full" }]);
});

test("the stock v1 client (x402-fetch) buys", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const payer = await market.chain.newPayer(10_000n);
  const buy = await fetchV1(payer, market.chain.rpcUrl);
  const response = await buy(shop.url + ITEMS, order("a"));
  expect(response.status).toBe(201);
  const receipt = readSettleResponse(response.headers);
  expect(await response.json()).toEqual({ item: "a", transaction: receipt?.transaction });
  expect(shop.events).toEqual(["work a", "settled a"]);
  expect(await balanceOf(shop.payTo)).toBe(10_000n);
});

test("the stock v2 client (@x402/fetch) buys", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const payer = await market.chain.newPayer(10_000n);
  const response = await fetchV2(payer)(shop.url + ITEMS, order("a"));
  expect(response.status).toBe(201);
  const receipt = readSettleResponse(response.headers);
  expect(await response.json()).toEqual({ item: "a", transaction: receipt?.transaction });
  expect(shop.events).toEqual(["work a", "settled a"]);
  expect(await balanceOf(shop.payTo)).toBe(10_000n);
});

test.each(VERSIONS)(
  "v%i: one payment sent ten times at once buys once, and all get the same answer",
  async (version) => {
    await using shop = await openShop({ facilitatorUrl });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(shop, { version, payer });
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const response = await fetch(shop.url + ITEMS, paid);
        return {
          status: response.status,
          body: await response.text(),
          receipt: readSettleResponse(response.headers),
        };
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    expect(answers[0]?.receipt?.success).toBe(true);
    expect(shop.events).toEqual(["work a", "settled a"]);
    expect(await balanceOf(payer.address)).toBe(90_000n);
  },
);

test.each(VERSIONS)(
  "v%i: the same payment a day later, at a shop that was restarted, gets the stored answer",
  async (version) => {
    const db = openDatabase(":memory:");
    const payer = await market.chain.newPayer(100_000n);
    let paid: RequestInit;
    let first: unknown;
    const events: string[] = [];
    const shop = await openShop({ facilitatorUrl, db });
    paid = await pay(shop, { version, payer });
    first = await (await fetch(shop.url + ITEMS, paid)).json();
    events.push(...shop.events);
    await using again = await openShop({
      facilitatorUrl: "http://127.0.0.1:1",
      db,
      onQuote: () => ({ refusal: { status: 409, body: { error: "sold out" } } }),
    });
    const response = await fetch(again.url + ITEMS, paid);
    expect([response.status, await response.json()]).toEqual([201, first]);
    expect([...events, ...again.events]).toEqual(["work a", "settled a"]);
  },
);

test.each(VERSIONS)(
  "v%i: a payment for one request buys no other: another body, method, path or query",
  async (version) => {
    await using shop = await openShop({ facilitatorUrl });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(shop, { version, payer });
    await fetch(shop.url + ITEMS, paid);
    const { body: _, ...get } = { ...paid, method: "GET" };
    const others: [string, RequestInit][] = [
      [ITEMS, { ...paid, body: JSON.stringify({ item: "b" }) }],
      [`${ITEMS}?x=1`, paid],
      [`${ITEMS}/a`, get],
    ];
    for (const [path, init] of others) {
      const response = await fetch(shop.url + path, init);
      expect([path, response.status]).toEqual([path, 409]);
    }
    expect(shop.events).toEqual(["work a", "settled a"]);
  },
);

test("two requests at once with one authorization, one as v1 and one as v2: one sale", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const payer = await market.chain.newPayer(100_000n);
  const { nonce, validAfter, validBefore } = newAuthorization(payer.address);
  const fields = { nonce, validAfter, validBefore };
  const both = await Promise.all(VERSIONS.map((version) => pay(shop, { version, payer, fields })));
  const responses = await Promise.all(both.map((paid) => fetch(shop.url + ITEMS, paid)));
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([201, 409]));
  expect(shop.events).toEqual(["work a", "settled a"]);
});

test.each(VERSIONS)(
  "v%i: a payment that was taken by one paywall is not taken by another of the same seller",
  async (version) => {
    const db = openDatabase(":memory:");
    const shop = await openShop({ facilitatorUrl, db });
    const other = await openShop({ facilitatorUrl, db, name: "others" });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(shop, { version, payer });
    expect((await fetch(shop.url + ITEMS, paid)).status).toBe(201);
    expect((await fetch(other.url + ITEMS, paid)).status).toBe(409);
    expect(other.events).toEqual([]);
  },
);

const REFUSED: [string, Partial<Parameters<typeof newAuthorization>[1]>][] = [
  ["one unit less than asked", { value: 9_999n }],
  ["one unit more than asked", { value: 10_001n }],
  ["somebody else", { to: `0x${"bb".repeat(20)}` }],
  ["a window that is over", { validBefore: 1_000n }],
  ["more than the payer has", {}],
];
test.each(
  VERSIONS.flatMap((version) => REFUSED.map(([what, fields]) => [version, what, fields] as const)),
)("v%i: a payment of %s buys nothing", async (version, what, fields) => {
  await using shop = await openShop({ facilitatorUrl });
  const payer = await market.chain.newPayer(what.startsWith("more") ? 9_999n : 100_000n);
  const paid = await pay(shop, { version, payer, fields: fields ?? {} });
  const response = await fetch(shop.url + ITEMS, paid);
  expect(response.status).toBe(402);
  expect(shop.events).toEqual([]);
  expect(await balanceOf(shop.payTo)).toBe(0n);
});

test.each(VERSIONS)(
  "v%i: a forged signature buys nothing, and does not spoil the real payment",
  async (version) => {
    await using shop = await openShop({ facilitatorUrl });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(shop, { version, payer });
    const [name, value] = Object.entries(paid.headers as Record<string, string>).find(([key]) =>
      /payment/i.test(key),
    )!;
    const json = Buffer.from(value, "base64")
      .toString()
      .replace(/"signature":"0x..../, '"signature":"0x1234');
    const forged = {
      ...paid,
      headers: { ...(paid.headers as object), [name]: Buffer.from(json).toString("base64") },
    };
    const [first, second] = await Promise.all([
      fetch(shop.url + ITEMS, forged),
      fetch(shop.url + ITEMS, paid),
    ]);
    expect([first.status, second.status]).toEqual([402, 201]);
    expect(shop.events).toEqual(["work a", "settled a"]);
  },
);

test.each([
  ["both headers", { "X-PAYMENT": "e30=", "PAYMENT-SIGNATURE": "e30=" }],
  ["what is no Base64", { "X-PAYMENT": "{}" }],
  ["what is no JSON", { "PAYMENT-SIGNATURE": "AAAA" }],
  [
    "a v2 payment in the v1 header",
    { "X-PAYMENT": Buffer.from('{"x402Version":2}').toString("base64") },
  ],
  ["an empty payment", { "X-PAYMENT": "" }],
])("%s in the payment header is malformed", async (_, headers) => {
  await using shop = await openShop({ facilitatorUrl });
  const response = await fetch(`${shop.url}/shop/items/a`, { headers });
  expect(response.status).toBe(400);
});

test.each(VERSIONS)(
  "v%i: a good payment beside another version's header is malformed",
  async (version) => {
    await using shop = await openShop({ facilitatorUrl });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(shop, { version, payer });
    const other = version === 1 ? "PAYMENT-SIGNATURE" : "X-PAYMENT";
    const headers = { ...(paid.headers as object), [other]: "e30=" };
    expect((await fetch(shop.url + ITEMS, { ...paid, headers })).status).toBe(400);
    expect(shop.events).toEqual([]);
  },
);

test.each(VERSIONS)(
  "v%i: terms that are not met to the unit are seen without asking the facilitator",
  async (version) => {
    await using shop = await openShop({ facilitatorUrl: "http://127.0.0.1:1" });
    const payer = await market.chain.newPayer(100_000n);
    const more = await pay(shop, { version, payer, fields: { value: 10_001n } });
    const response = await fetch(shop.url + ITEMS, more);
    expect([response.status, await response.json()]).toMatchObject([
      402,
      { error: "invalid_exact_evm_payload_authorization_value_mismatch" },
    ]);
  },
);

test.each(VERSIONS)(
  "v%i: two servers of one seller that get one payment at once deliver it once",
  async (version) => {
    const db = openDatabase(":memory:");
    const first = await openShop({ facilitatorUrl, db });
    const second = await openShop({ facilitatorUrl, db, payTo: first.payTo });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(first, { version, payer });
    const responses = await Promise.all(
      [first, second, first, second].map((shop) => fetch(shop.url + ITEMS, paid)),
    );
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    const bodies = await Promise.all(responses.map((response) => response.text()));
    expect(new Set(bodies).size).toBe(1);
    const settled = [...first.events, ...second.events].filter((event) =>
      event.startsWith("settled"),
    );
    expect(settled).toEqual(["settled a"]);
  },
);

test("the payment header sent twice is malformed", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const payer = await market.chain.newPayer(100_000n);
  const paid = await pay(shop, { version: 1, payer, path: `${ITEMS}/a`, init: {} });
  const value = (paid.headers as Record<string, string>)["X-PAYMENT"]!;
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  httpRequest(
    `${shop.url}/shop/items/a`,
    { headers: { "X-PAYMENT": [value, value] } },
    (response) => {
      response.resume();
      resolve(response.statusCode);
    },
  ).end();
  expect(await promise).toBe(400);
});

test("HEAD does not get round the paywall", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const response = await fetch(`${shop.url}/shop/items/a`, { method: "HEAD" });
  expect(response.status).toBe(402);
  expect(shop.events).toEqual([]);
});

test("a path spelled in another way does not get round the paywall", async () => {
  await using shop = await openShop({ facilitatorUrl });
  for (const path of [
    "/shop/items/%61",
    "/shop/items//a",
    "/SHOP/items/a",
    "/shop/items/a/",
    "/shop/items/a%2F..",
    "/shop/items/%",
  ]) {
    const response = await fetch(shop.url + path);
    expect([path, response.status >= 400]).toEqual([path, true]);
  }
});

test("a body that nobody has read is refused, and nothing is logged that a stranger could fill a disk with", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const logged = vi.spyOn(console, "error");
  const response = await fetch(shop.url + ITEMS, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "a",
  });
  expect([response.status, await response.json()]).toMatchObject([415, { error: "body_not_read" }]);
  expect(logged).not.toHaveBeenCalled();
  logged.mockRestore();
});

test.each(VERSIONS)(
  "v%i: work that is refused charges nothing, and its payment can be used again",
  async (version) => {
    let refuse = true;
    const onWork = () =>
      refuse ? { refusal: { status: 409, body: { error: "taken" } } } : undefined;
    await using shop = await openShop({ facilitatorUrl, onWork });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(shop, { version, payer });
    const response = await fetch(shop.url + ITEMS, paid);
    expect([response.status, await response.json()]).toEqual([409, { error: "taken" }]);
    expect(await balanceOf(payer.address)).toBe(100_000n);
    refuse = false;
    expect((await fetch(shop.url + ITEMS, paid)).status).toBe(201);
  },
);

test.each(VERSIONS)(
  "v%i: work that fails charges nothing, says so, and is done again for the same payment",
  async (version) => {
    let fail = true;
    const onWork = () => {
      if (fail) throw new Error("disk full");
      return undefined;
    };
    await using shop = await openShop({ facilitatorUrl, onWork });
    const payer = await market.chain.newPayer(100_000n);
    const paid = await pay(shop, { version, payer });
    const response = await fetch(shop.url + ITEMS, paid);
    expect([response.status, await response.json()]).toEqual([500, { error: "disk full" }]);
    expect(await balanceOf(payer.address)).toBe(100_000n);
    fail = false;
    expect((await fetch(shop.url + ITEMS, paid)).status).toBe(201);
    expect(shop.events).toEqual(["work a", "work a", "settled a"]);
  },
);
