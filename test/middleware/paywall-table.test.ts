/** What the stock paywalls get wrong, row by row: first seen on them, unmodified, then held by ours. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readSettleResponse } from "../../protocol/index.ts";
import { type FaultyFacilitator, openFaultyFacilitator } from "./faulty-facilitator.ts";
import { ITEMS, order, pay } from "./payments.ts";
import { type Market, openMarket, openShop } from "./shop.ts";
import { openStockShop } from "./stock-shop.ts";

let market: Market;
let facilitator: FaultyFacilitator;
let facilitatorUrl: string;
beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  market = await openMarket();
  facilitator = await openFaultyFacilitator(market.facilitator.url);
  facilitatorUrl = facilitator.url;
});
afterAll(async () => {
  await facilitator[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

const VERSIONS = [1, 2] as const;
const newPayer = () => market.chain.newPayer(100_000n);
const spentBy = async ({ address }: { address: `0x${string}` }) =>
  100_000n - (await market.chain.chain.balanceOf(address));
const payStock = (
  shop: { url: string },
  version: 1 | 2,
  payer: Awaited<ReturnType<typeof newPayer>>,
) => pay(shop, { version, payer, path: "/a", init: {} });

async function during<T>(
  faults: Partial<Pick<FaultyFacilitator, "fault" | "verifyFault">>,
  work: () => Promise<T>,
): Promise<T> {
  Object.assign(facilitator, faults);
  try {
    return await work();
  } finally {
    Object.assign(facilitator, { fault: undefined, verifyFault: undefined });
  }
}

describe.each(VERSIONS)("x402 v%i", (version) => {
  test("one signature ten times at once: stock works ten times, ours once for all", async () => {
    const gate = Promise.withResolvers<void>();
    await using stock = await openStockShop({ facilitatorUrl, version, work: () => gate.promise });
    const theirs = await payStock(stock, version, await newPayer());
    const answers = Array.from({ length: 10 }, () => fetch(`${stock.url}/a`, theirs));
    await vi.waitUntil(() => stock.handled === 10, { timeout: 10_000, interval: 10 });
    gate.resolve();
    await Promise.all(answers);

    await using shop = await openShop({ facilitatorUrl });
    const ours = await pay(shop, { version, payer: await newPayer() });
    const all = await Promise.all(answers.map(() => fetch(shop.url + ITEMS, ours)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([201]));
    expect(shop.events).toEqual(["work a", "settled a"]);
  });

  test("a signature for one thing sent for another: stock sells it, ours refuses it", async () => {
    await using stock = await openStockShop({ facilitatorUrl, version });
    const theirs = await payStock(stock, version, await newPayer());
    expect((await fetch(`${stock.url}/b`, theirs)).status).toBe(200);

    await using shop = await openShop({ facilitatorUrl });
    const payer = await newPayer();
    const ours = await pay(shop, { version, payer });
    await fetch(shop.url + ITEMS, ours);
    const other = await fetch(shop.url + ITEMS, { ...ours, body: JSON.stringify({ item: "b" }) });
    expect(other.status).toBe(409);
    expect(await spentBy(payer)).toBe(10_000n);
  });

  test("an unpaid HEAD: stock does the work for nothing, ours asks for the price", async () => {
    await using stock = await openStockShop({ facilitatorUrl, version });
    await fetch(`${stock.url}/a`, { method: "HEAD" });
    expect(stock.handled).toBe(1);

    await using shop = await openShop({ facilitatorUrl });
    expect((await fetch(`${shop.url}${ITEMS}/a`, { method: "HEAD" })).status).toBe(402);
    expect(shop.events).toEqual([]);
  });

  test("settled, and the answer lost: stock says not paid though it was, ours says ask again, and delivers", async () => {
    await using stock = await openStockShop({ facilitatorUrl, version });
    const payer = await newPayer();
    const theirs = await payStock(stock, version, payer);
    const answer = await during({ fault: "lose-answer" }, () => fetch(`${stock.url}/a`, theirs));
    expect(answer.status).toBe(402);
    expect(await spentBy(payer)).toBe(10_000n);

    await using shop = await openShop({ facilitatorUrl });
    const ours = await pay(shop, { version, payer: await newPayer() });
    const pending = await during({ fault: "drop" }, () => fetch(shop.url + ITEMS, ours));
    expect([pending.status, pending.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(readSettleResponse(pending.headers)).toMatchObject({
      success: false,
      errorReason: "settlement_pending",
    });
    expect(pending.headers.get("PAYMENT-REQUIRED")).toBeNull();
    expect((await fetch(shop.url + ITEMS, ours)).status).toBe(201);
  });

  test("a facilitator that does not know yet: stock asks for another payment, ours for the same one, with its transaction", async () => {
    await using stock = await openStockShop({ facilitatorUrl, version });
    const theirs = await payStock(stock, version, await newPayer());
    const answer = await during({ fault: "say-pending" }, () => fetch(`${stock.url}/a`, theirs));
    expect(answer.status).toBe(402);

    await using shop = await openShop({ facilitatorUrl });
    const ours = await pay(shop, { version, payer: await newPayer() });
    const pending = await during({ fault: "say-pending" }, () => fetch(shop.url + ITEMS, ours));
    expect(pending.status).toBe(503);
    expect(readSettleResponse(pending.headers)?.transaction).toMatch(/^0x[0-9a-f]{64}$/);
  });

  test("a facilitator that settles and never answers: ours answers within its deadline, and delivers later", async () => {
    await using shop = await openShop({ facilitatorUrl, facilitatorTimeoutMs: 2_500 });
    const payer = await newPayer();
    const ours = await pay(shop, { version, payer });
    const pending = await during({ fault: "hang" }, () => fetch(shop.url + ITEMS, ours));
    expect([pending.status, await pending.json()]).toMatchObject([
      503,
      { error: "settlement_pending" },
    ]);
    expect((await fetch(shop.url + ITEMS, ours)).status).toBe(201);
    expect(shop.events).toEqual(["work a", "settled a"]);
    expect(await spentBy(payer)).toBe(10_000n);
  });

  test("a facilitator that never answers verify: nothing is done or charged, and the same payment buys later", async () => {
    await using shop = await openShop({ facilitatorUrl, facilitatorTimeoutMs: 700 });
    const payer = await newPayer();
    const ours = await pay(shop, { version, payer });
    const answer = await during({ verifyFault: "hang" }, () => fetch(shop.url + ITEMS, ours));
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { error: "facilitator_unavailable" },
    ]);
    expect([shop.events, await spentBy(payer)]).toEqual([[], 0n]);
    expect((await fetch(shop.url + ITEMS, ours)).status).toBe(201);
  });

  test.each(["drop", "page"] as const)(
    "a facilitator whose verify fails (%s): stock calls the payment bad, ours says 503 and repeats nothing of it",
    async (verifyFault) => {
      await using stock = await openStockShop({ facilitatorUrl, version });
      const theirs = await payStock(stock, version, await newPayer());
      const answer = await during({ verifyFault }, () => fetch(`${stock.url}/a`, theirs));
      expect(answer.status).not.toBe(503);

      await using shop = await openShop({ facilitatorUrl });
      const payer = await newPayer();
      const ours = await pay(shop, { version, payer });
      const unavailable = await during({ verifyFault }, () => fetch(shop.url + ITEMS, ours));
      expect([unavailable.status, unavailable.headers.get("retry-after")]).toEqual([503, "1"]);
      const text = JSON.stringify([...unavailable.headers]) + (await unavailable.text());
      expect(text).not.toMatch(/DOCTYPE|10\.0\.0\.7|fetch failed/);
      expect([shop.events, await spentBy(payer)]).toEqual([[], 0n]);
    },
  );
});

test("x402 v1, the same payment one after another: stock works twice, ours answers twice", async () => {
  await using stock = await openStockShop({ facilitatorUrl, version: 1 });
  const theirs = await payStock(stock, 1, await newPayer());
  await during({ fault: "lose-answer" }, () => fetch(`${stock.url}/a`, theirs));
  expect(stock.handled).toBe(1);

  await using shop = await openShop({ facilitatorUrl });
  const ours = await pay(shop, { version: 1, payer: await newPayer() });
  const first = await (await fetch(shop.url + ITEMS, ours)).text();
  expect(await (await fetch(shop.url + ITEMS, ours)).text()).toBe(first);
  expect(shop.events).toEqual(["work a", "settled a"]);
});

test("a long description: stock's header is one that clients cannot read, ours stays below 8 KB", async () => {
  const description = "x".repeat(13_000);
  await using stock = await openStockShop({ facilitatorUrl, version: 2, description });
  await expect(fetch(`${stock.url}/a`)).rejects.toMatchObject({
    cause: { code: "UND_ERR_HEADERS_OVERFLOW" },
  });

  await using shop = await openShop({ facilitatorUrl, description });
  const response = await fetch(`${shop.url}${ITEMS}/a`);
  expect(response.status).toBe(402);
  expect(response.headers.get("PAYMENT-REQUIRED")?.length).toBeLessThan(8_192);
  const long = await fetch(`${shop.url}${ITEMS}/a?q=${"x".repeat(9_000)}`);
  expect(long.status).toBe(414);
});

test.each([
  [1, { scheme: "upto" }, "invalid_scheme"],
  [1, { network: "base" }, "invalid_network"],
  [1, { network: "nowhere" }, "invalid_network"],
  [2, { accepted: { scheme: "exact", network: "eip155:1" } }, "invalid_payment_requirements"],
] as const)(
  "x402 v%i: a payment that names other terms %j is a 402 with the reason: a person has to sign anew",
  async (version, change, reason) => {
    await using shop = await openShop({ facilitatorUrl });
    const paid = await pay(shop, { version, payer: await newPayer() });
    const name = version === 1 ? "X-PAYMENT" : "PAYMENT-SIGNATURE";
    const value = (paid.headers as Record<string, string>)[name] ?? "";
    const payment = { ...JSON.parse(Buffer.from(value, "base64").toString()), ...change } as object;
    const header = Buffer.from(JSON.stringify(payment)).toString("base64");
    const headers = { ...(paid.headers as object), [name]: header };
    const response = await fetch(shop.url + ITEMS, { ...paid, headers });
    expect([response.status, await response.json()]).toMatchObject([402, { error: reason }]);
    expect(shop.events).toEqual([]);
  },
);

describe("round the paywall", () => {
  test("OPTIONS gets no work and no price, also where the router sends it to the paywall", async () => {
    await using shop = await openShop({ facilitatorUrl });
    const init = { method: "OPTIONS", headers: { "access-control-request-method": "POST" } };
    const response = await fetch(`${shop.url}/shop/any`, init);
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(shop.events).toEqual([]);
  });

  test.each(["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])(
    "%s changes neither what is sold nor whether it is",
    async (name) => {
      await using shop = await openShop({ facilitatorUrl });
      const response = await fetch(`${shop.url}${ITEMS}/a?_method=OPTIONS`, {
        headers: { [name]: "OPTIONS" },
      });
      expect(response.status).toBe(402);
      expect(shop.events).toEqual([]);
    },
  );

  test("the query in another order is another request: the payment is not taken for it", async () => {
    await using shop = await openShop({ facilitatorUrl });
    const payer = await newPayer();
    const ours = await pay(shop, { version: 2, payer, path: `${ITEMS}?x=1&y=2` });
    expect((await fetch(`${shop.url}${ITEMS}?x=1&y=2`, ours)).status).toBe(201);
    expect((await fetch(`${shop.url}${ITEMS}?y=2&x=1`, ours)).status).toBe(409);
    expect(await spentBy(payer)).toBe(10_000n);
  });
});

test("nothing that was sold or asked is kept by a shared cache", async () => {
  await using shop = await openShop({ facilitatorUrl });
  const unpaid = await fetch(shop.url + ITEMS, order("a"));
  expect(unpaid.headers.get("cache-control")).toBe("no-store");
  const paid = await fetch(
    shop.url + ITEMS,
    await pay(shop, { version: 2, payer: await newPayer() }),
  );
  expect(paid.headers.get("cache-control")).toBe("private, no-store");
  for (const { headers } of [unpaid, paid])
    expect(headers.get("vary")).toBe(
      "Accept, Authorization, Payment-Authorization, X-PAYMENT, PAYMENT-SIGNATURE",
    );
});

test("a browser meets a page that a person can read, with the offer in it and nothing of a stranger's as markup", async () => {
  await using shop = await openShop({ facilitatorUrl, description: "One <b>latte</b> & more" });
  const accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
  const response = await fetch(`${shop.url}${ITEMS}/a?q=<script>`, { headers: { accept } });
  expect(response.status).toBe(402);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const page = await response.text();
  expect(page).toContain("<h1>0.01 USDC</h1>");
  expect(page).toContain("One &lt;b&gt;latte&lt;/b&gt; &amp; more");
  expect(page).not.toMatch(/<script|<b>/);
  const [, link] = /href="data:application\/json;base64,([^"]+)"/.exec(page) ?? [];
  expect(link).toBe(response.headers.get("PAYMENT-REQUIRED"));
  for (const other of ["application/json", "*/*"]) {
    const machine = await fetch(`${shop.url}${ITEMS}/a`, { headers: { accept: other } });
    expect(machine.headers.get("content-type")).toMatch(/^application\/json/);
  }
});
