/** `paywall` before ordinary Express handlers: every protocol, both flows, on a real chain. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, type Facilitator } from "../../facilitator/index.ts";
import { type PaywallRefusal, saleOf } from "../../middleware/index.ts";
import { readMppReceipt, readSettleResponse } from "../../protocol/index.ts";
import { openDatabase } from "../../store/index.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { openPaidShop, type PaidShopOptions, present, PROTOCOLS } from "./paid-shop.ts";
import { fetchMppx, fetchV1, fetchV2 } from "./stock-clients.ts";

let chain: TestChain;
let facilitator: Facilitator;
beforeAll(async () => {
  chain = await openTestChain();
  const account = await chain.newPayer(0n, 10n ** 18n);
  facilitator = createFacilitator({ rpcUrl: chain.rpcUrl, account });
});
afterAll(async () => {
  facilitator.close();
  await chain[Symbol.asyncDispose]();
});

const FLOWS = ["work-first", "settle-first"] as const;
const PRICE = 10_000n;
const open = (options: Partial<PaidShopOptions> = {}) => openPaidShop({ facilitator, ...options });
const newPayer = () => chain.newPayer(100_000n);
const balanceOf = (address: `0x${string}`) => chain.chain.balanceOf(address);
const txOf = ({ headers }: Response) =>
  readSettleResponse(headers)?.transaction ?? readMppReceipt(headers);
const all = FLOWS.flatMap((flow) => PROTOCOLS.map((protocol) => [flow, protocol] as const));

describe.each(FLOWS)("%s", (flow) => {
  test.each([
    ["x402-fetch", async () => fetchV1(await newPayer(), chain.rpcUrl)],
    ["@x402/fetch", async () => fetchV2(await newPayer())],
    ["mppx", async () => fetchMppx(await newPayer())],
  ] as const)("the stock client %s buys, unmodified", async (_, client) => {
    await using shop = await open({ flow });
    const buy = await client();
    const response = await buy(`${shop.url}/item/a`, {});
    expect([response.status, await response.json()]).toEqual([200, { item: "/item/a", run: 1 }]);
    expect(txOf(response)).toMatch(/^0x[0-9a-f]{64}$/);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(response.headers.get("x-item")).toBe("yes");
    expect(await balanceOf(shop.payTo)).toBe(PRICE);
  });
});

test.each(all)(
  "%s, %s: ten copies at once run the handler once and get one answer",
  async (flow, protocol) => {
    await using shop = await open({ flow });
    const payer = await newPayer();
    const paid = await present(shop, protocol, { payer });
    const copies = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const response = await fetch(`${shop.url}/item/a`, paid);
        return `${response.status} ${txOf(response)} ${await response.text()}`;
      }),
    );
    expect(new Set(copies).size).toBe(1);
    expect(copies[0]).toMatch(/^200 0x/);
    expect(shop.runs).toEqual(["GET /item/a"]);
    expect(await balanceOf(payer.address)).toBe(90_000n);
  },
);

test.each(all)(
  "%s, %s: copies at two servers on one database run the handler once",
  async (flow, protocol) => {
    const db = openDatabase(":memory:");
    const handler: PaidShopOptions["handler"] = async (_, response) => {
      await delay(100);
      response.json({ ok: true });
    };
    await using first = await open({ flow, db, handler });
    await using second = await open({ flow, db, handler, payTo: first.payTo });
    const payer = await newPayer();
    const paid = await present(first, protocol, { payer });
    const answers = await Promise.all(
      [first, second, first, second].map(async ({ url }) => {
        const response = await fetch(`${url}/item/a`, paid);
        return `${response.status} ${txOf(response)} ${await response.text()}`;
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect([...first.runs, ...second.runs]).toEqual(["GET /item/a"]);
    expect(await balanceOf(first.payTo)).toBe(PRICE);
  },
);

test.each(PROTOCOLS)(
  "%s: a payment for one request is none for another method, path, query, body or route",
  async (protocol) => {
    await using shop = await open();
    const payer = await newPayer();
    const post = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"n":1}',
    };
    const paid = await present(shop, protocol, { payer, init: post });
    const buy = (path: string, init: RequestInit) => fetch(shop.url + path, init);
    const { body: _, ...get } = { ...paid, method: "GET" };
    const others: [string, RequestInit][] = [
      ["/item/a", get],
      ["/item/b", paid],
      ["/item/a?x=1", paid],
      ["/item/a/", paid],
      ["/item/%61", paid],
      ["/item/a", { ...paid, body: '{"n":2}' }],
      ["/paid/a", get],
    ];
    // Known and settled, it is refused for everything else; an MPP credential is, even before it has bought anything.
    if (protocol !== "MPP") expect((await buy("/item/a", paid)).status).toBe(200);
    for (const [path, init] of others) {
      const response = await buy(path, init);
      expect([path, response.status]).toEqual([path, protocol === "MPP" ? 402 : 409]);
    }
    if (protocol === "MPP") expect((await buy("/item/a", paid)).status).toBe(200);
    expect(shop.runs).toEqual(["POST /item/a"]);
    expect(await balanceOf(shop.payTo)).toBe(PRICE);
  },
);

test.each(all)(
  "%s, %s: a shop that was restarted, without a facilitator, gives the stored answer, byte for byte",
  async (flow, protocol) => {
    const db = openDatabase(":memory:");
    const bytes = Buffer.from([0, 255, 1, 254]);
    const handler: PaidShopOptions["handler"] = (_, response) => {
      response.status(206).setHeader("Set-Cookie", ["a=1", "b=2"]);
      response.type("application/octet-stream");
      response.write(bytes);
      response.end("end");
    };
    await using shop = await open({ flow, db, handler });
    const paid = await present(shop, protocol, { payer: await newPayer() });
    const read = async (url: string) => {
      const response = await fetch(`${url}/item/a`, paid);
      const { headers, status } = response;
      const body = Buffer.from(await response.arrayBuffer()).toString("hex");
      return {
        status,
        body,
        cookies: headers.getSetCookie(),
        type: headers.get("content-type"),
        tx: txOf(response),
      };
    };
    const first = await read(shop.url);
    expect(first).toMatchObject({ status: 206, body: "00ff01fe656e64", cookies: ["a=1", "b=2"] });
    await using again = await open({
      flow,
      db,
      payTo: shop.payTo,
      facilitator: "http://127.0.0.1:1",
    });
    expect(await read(again.url)).toEqual(first);
    expect(again.runs).toEqual([]);
  },
);

test("a description in any script reaches buyers of x402 as it was written", async () => {
  const description = "Fünf Äpfel – 五個のりんご 🍎";
  await using shop = await openPaidShop({ facilitator, description });
  const response = await fetch(`${shop.url}/item/a`);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ accepts: [{ description }] });
  const header = Buffer.from(response.headers.get("PAYMENT-REQUIRED") ?? "", "base64");
  expect(JSON.parse(header.toString())).toMatchObject({ resource: { description } });
});

describe("a price for each request", () => {
  const price: PaidShopOptions["price"] = ({ query }) => {
    const count = Number(query["count"] ?? 1);
    if (!Number.isInteger(count) || count < 1)
      return { refusal: { status: 400, body: { error: "count" } } };
    if (count > 9) throw new Error("too many");
    return `0.0${count}`;
  };

  test("is what is asked and what is paid", async () => {
    await using shop = await open({ price });
    const payer = await newPayer();
    const response = await fetchV2(payer)(`${shop.url}/item/a?count=3`);
    expect(response.status).toBe(200);
    expect(await balanceOf(shop.payTo)).toBe(30_000n);
  });

  test("of a request that is not sold is a refusal, and one that fails is an error: no 402 and no work", async () => {
    await using shop = await open({ price });
    expect((await fetch(`${shop.url}/item/a?count=-1`)).status).toBe(400);
    expect((await fetch(`${shop.url}/item/a?count=10`)).status).toBe(500);
    expect(shop.runs).toEqual([]);
  });

  /** A shop whose price and clock can be moved, and a payment of its price for `/item/a`. */
  async function openMoving(protocol: (typeof PROTOCOLS)[number]) {
    const state = { price: "0.01" as string | PaywallRefusal, later: 0 };
    const shop = await open({
      price: () => state.price,
      now: () => Date.now() + state.later,
      maxTimeoutSeconds: 60,
    });
    const payer = await newPayer();
    const paid = await present(shop, protocol, { payer });
    const spent = async () => 100_000n - (await balanceOf(payer.address));
    return { shop, state, paid, spent };
  }

  test.each(PROTOCOLS)(
    "that has changed is honoured as long as its offer said: %s",
    async (protocol) => {
      const { shop, state, paid, spent } = await openMoving(protocol);
      await using _ = shop;
      state.price = "0.02";
      state.later = 50_000;
      expect((await fetch(`${shop.url}/item/a`)).status).toBe(402);
      expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(200);
      expect([shop.runs, await spent()]).toEqual([["GET /item/a"], 10_000n]);
    },
  );

  test.each(PROTOCOLS)(
    "that has changed is not honoured after that, nor for another request: %s",
    async (protocol) => {
      const { shop, state, paid, spent } = await openMoving(protocol);
      await using _ = shop;
      state.price = "0.02";
      expect((await fetch(`${shop.url}/item/b`, paid)).status).toBe(402);
      state.later = 61_000;
      const late = await fetch(`${shop.url}/item/a`, paid);
      const header = late.headers.get("PAYMENT-REQUIRED") ?? "";
      expect(late.status).toBe(402);
      expect(Buffer.from(header, "base64").toString()).toContain('"amount":"20000"');
      expect([shop.runs, await spent()]).toEqual([[], 0n]);
    },
  );

  test("of what is no longer sold is not honoured", async () => {
    const { shop, state, paid, spent } = await openMoving("x402 v2");
    await using _ = shop;
    state.price = { refusal: { status: 410, body: { error: "gone" } } };
    expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(410);
    expect([shop.runs, await spent()]).toEqual([[], 0n]);
  });
});

test.each(["0", "0.00", "1e3", "-1", "0.0000001"])(
  "a price of %s cannot be asked",
  async (price) => {
    await expect(open({ price })).rejects.toMatchObject({ code: "AMOUNT_INVALID" });
  },
);

test("a router sells each of its routes, and nothing that is not there", async () => {
  await using shop = await open();
  const buy = fetchV2(await newPayer());
  expect(await (await buy(`${shop.url}/paid/a`)).json()).toEqual({ item: "/paid/a", run: 1 });
  expect(await (await buy(`${shop.url}/paid/b`)).json()).toEqual({ item: "/paid/b", run: 2 });
  expect((await buy(`${shop.url}/paid/none`)).status).toBe(404);
  expect(await balanceOf(shop.payTo)).toBe(2n * PRICE);
});

test("the handler learns whose payment it works for, and no other request does", async () => {
  const payer = await newPayer();
  const handler: PaidShopOptions["handler"] = (request, response) => {
    const { payer, amount } = saleOf(request);
    response.json({ payer, amount: String(amount) });
  };
  await using shop = await open({ handler });
  const response = await fetchV2(payer)(`${shop.url}/item/a`);
  expect(await response.json()).toEqual({ payer: payer.address, amount: "10000" });
  expect(() => saleOf({} as never)).toThrow(expect.objectContaining({ code: "NOT_PAID" }));
});

describe("work-first", () => {
  const failures: [string, NonNullable<PaidShopOptions["handler"]>, number][] = [
    ["answers 404", (_, response) => void response.status(404).json({ error: "gone" }), 404],
    ["throws", () => Promise.reject(new Error("disk full")), 500],
    ["passes on an error", (_request, _response, next) => next(new Error("disk full")), 500],
  ];
  test.each(PROTOCOLS.flatMap((protocol) => failures.map((row) => [protocol, ...row] as const)))(
    "%s: a handler that %s costs nothing, and its payment may try again",
    async (protocol, _, fail, status) => {
      let fails = true;
      const handler: PaidShopOptions["handler"] = (request, response, next) =>
        fails ? fail(request, response, next) : void response.json({ ok: true });
      await using shop = await open({ handler });
      const payer = await newPayer();
      const paid = await present(shop, protocol, { payer });
      const failed = await fetch(`${shop.url}/item/a`, paid);
      expect([failed.status, txOf(failed)]).toEqual([status, undefined]);
      expect(failed.headers.get("cache-control")).toBe("no-store");
      expect(await balanceOf(payer.address)).toBe(100_000n);
      fails = false;
      expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(200);
      expect(await balanceOf(payer.address)).toBe(90_000n);
    },
  );

  test("an answer that is too large to keep is an error, and costs nothing", async () => {
    const handler: PaidShopOptions["handler"] = (_, response) =>
      void response.send("x".repeat(2_000));
    await using shop = await open({ handler, maxAnswerBytes: 1_000 });
    const payer = await newPayer();
    const response = await fetch(`${shop.url}/item/a`, await present(shop, "x402 v2", { payer }));
    expect([response.status, await response.json()]).toMatchObject([
      500,
      { error: "answer_too_large" },
    ]);
    expect(await balanceOf(payer.address)).toBe(100_000n);
  });
});

describe("settle-first", () => {
  const streaming =
    (gate: Promise<void>): NonNullable<PaidShopOptions["handler"]> =>
    async (_, response) => {
      response.type("text/plain").write("one,");
      await gate;
      response.write("two,");
      response.end("three");
    };

  test.each(PROTOCOLS)(
    "%s: the answer streams, with its receipt, and is kept for who asks again",
    async (protocol) => {
      const gate = Promise.withResolvers<void>();
      await using shop = await open({ flow: "settle-first", handler: streaming(gate.promise) });
      const paid = await present(shop, protocol, { payer: await newPayer() });
      const response = await fetch(`${shop.url}/item/a`, paid);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader.read()).value).toBe("one,");
      expect(txOf(response)).toMatch(/^0x/);
      expect(response.headers.get("cache-control")).toBe("private, no-store");
      gate.resolve();
      let rest = "";
      for (let part = await reader.read(); !part.done; part = await reader.read())
        rest += part.value;
      expect(rest).toBe("two,three");
      const again = await fetch(`${shop.url}/item/a`, paid);
      expect([await again.text(), txOf(again)]).toEqual(["one,two,three", txOf(response)]);
      expect(shop.runs).toHaveLength(1);
    },
  );

  test("an answer that is too large to keep is delivered once, and then said to have been", async () => {
    const handler: PaidShopOptions["handler"] = (_, response) =>
      void response.send("x".repeat(2_000));
    await using shop = await open({ flow: "settle-first", handler, maxAnswerBytes: 1_000 });
    const paid = await present(shop, "x402 v2", { payer: await newPayer() });
    expect(await (await fetch(`${shop.url}/item/a`, paid)).text()).toHaveLength(2_000);
    const again = await fetch(`${shop.url}/item/a`, paid);
    expect([again.status, await again.json()]).toMatchObject([410, { error: "answer_not_kept" }]);
    expect(shop.runs).toHaveLength(1);
  });

  test.each(PROTOCOLS)(
    "%s: a handler that fails is paid for, and the same payment runs it again",
    async (protocol) => {
      let fails = true;
      const handler: PaidShopOptions["handler"] = (_, response) =>
        void response.status(fails ? 500 : 200).json({ fails });
      await using shop = await open({ flow: "settle-first", handler });
      const payer = await newPayer();
      const paid = await present(shop, protocol, { payer });
      expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(500);
      fails = false;
      const again = await fetch(`${shop.url}/item/a`, paid);
      expect([again.status, await again.json()]).toEqual([200, { fails: false }]);
      expect(await balanceOf(payer.address)).toBe(90_000n);
    },
  );

  test("what a seller does about a failure is asked for until it is done, then told each time", async () => {
    const asked: unknown[] = [];
    const afterFailure: PaidShopOptions["afterFailure"] = async ({ sale, answer }) => {
      asked.push(answer?.status);
      if (asked.length === 1) throw new Error("not now");
      return { status: 502, body: { refunded: String(sale.amount) }, headers: { "x-refund": "1" } };
    };
    const handler: PaidShopOptions["handler"] = (_, response) => void response.status(503).end();
    await using shop = await open({ flow: "settle-first", handler, afterFailure });
    const paid = await present(shop, "x402 v2", { payer: await newPayer() });
    const first = await fetch(`${shop.url}/item/a`, paid);
    expect([first.status, await first.json()]).toMatchObject([503, { error: "refund_owed" }]);
    expect(await shop.paywall.recover()).toBe(0);
    for (const _ of [1, 2]) {
      const told = await fetch(`${shop.url}/item/a`, paid);
      expect([told.status, told.headers.get("x-refund"), await told.json()]).toEqual([
        502,
        "1",
        { refunded: "10000" },
      ]);
    }
    expect([asked, shop.runs.length]).toEqual([[503, 503], 1]);
  });

  test("its offer says so, in the word of x402 v2", async () => {
    await using shop = await open({ flow: "settle-first" });
    const header = (await fetch(`${shop.url}/item/a`)).headers.get("PAYMENT-REQUIRED") ?? "";
    expect(JSON.parse(Buffer.from(header, "base64").toString())).toMatchObject({
      accepts: [{ extra: { paymentFlow: "upfront" } }],
    });
  });
});

test("a payer who may not buy is refused in the claim, and not charged", async () => {
  const payer = await newPayer();
  let bought = 0n;
  const mayBuy: PaidShopOptions["mayBuy"] = ({ amount }) => {
    if (bought + amount > 20_000n) return { refusal: { status: 403, body: { error: "cap" } } };
    bought += amount;
    return undefined;
  };
  await using shop = await open({ mayBuy });
  const buy = fetchV2(payer);
  const statuses = await Promise.all(
    ["a", "b", "c"].map(async (item) => (await buy(`${shop.url}/item/${item}`)).status),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 403]);
  expect(await balanceOf(payer.address)).toBe(80_000n);
});

test("what other middleware patched on the response is as it was afterwards", async () => {
  const sizes: number[] = [];
  await using shop = await open({ price: "0.01" });
  const patched = await import("express").then(({ default: express }) => express());
  patched.use((_, response, next) => {
    const end = response.end.bind(response) as (...args: unknown[]) => typeof response;
    response.end = ((...args: unknown[]) => {
      sizes.push(typeof args[0] === "string" ? args[0].length : 0);
      return end(...args);
    }) as typeof response.end;
    next();
  });
  patched.get("/item/:name", shop.paywall, (_, response) => void response.send("sold"));
  const { listen } = await import("./shop.ts");
  await using server = await listen(patched);
  const paid = await present(server, "x402 v2", { payer: await newPayer() });
  sizes.length = 0;
  expect(await (await fetch(`${server.url}/item/a`, paid)).text()).toBe("sold");
  expect(sizes).toEqual([4]);
});

test("a thousand copies at once run the handler once and get one answer", async () => {
  await using shop = await open();
  const payer = await newPayer();
  const paid = await present(shop, "x402 v2", { payer });
  const copies = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const response = await fetch(`${shop.url}/item/a`, paid);
      return `${response.status} ${txOf(response)} ${await response.text()}`;
    }),
  );
  expect(new Set(copies).size).toBe(1);
  expect(shop.runs).toEqual(["GET /item/a"]);
  expect(await balanceOf(payer.address)).toBe(90_000n);
});
