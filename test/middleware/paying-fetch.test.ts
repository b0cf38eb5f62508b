/** The paying fetch as its user sees it: every shape of a request, paid for once, and never where the policy does not say so. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { encodeJson } from "../../protocol/index.ts";
import { openFetchBuyer } from "./fetch-buyer.ts";
import { openHostileShop } from "./hostile-shop.ts";
import { type Market, openMarket, openShop } from "./shop.ts";

let market: Market;
let facilitatorUrl: string;
beforeAll(async () => {
  market = await openMarket();
  facilitatorUrl = market.facilitator.url;
});
afterAll(() => market[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => market.chain.chain.balanceOf(address);

test("fetches what costs money: the answer is the one that was paid for, and it is settled", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openFetchBuyer(market.chain, { shop });
  const response = await buyer.fetch(`${shop.url}/shop/items/a`);
  expect([response.status, await response.json()]).toMatchObject([201, { item: "a" }]);
  expect(await balanceOf(shop.payTo)).toBe(10_000n);
  await buyer.fetch.idle();
  expect(await buyer.ledger.list()).toMatchObject([
    { provider: "shop", service: "shop/fetch", state: "settled", amount: 10_000n },
  ]);
});

test("the same request again is the same purchase; another key or scope is another one", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openFetchBuyer(market.chain, { shop });
  const url = `${shop.url}/shop/items/a`;
  const other = await openFetchBuyer(market.chain, { shop, buyer, scope: "q" });
  await Promise.all([buyer.fetch(url), buyer.fetch(url), buyer.fetch(`${url}#top`)]);
  expect(await balanceOf(shop.payTo)).toBe(10_000n);
  await other.fetch(url);
  expect(await balanceOf(shop.payTo)).toBe(20_000n);
  const headers = { "Idempotency-Key": "k1" };
  await buyer.fetch(url, { headers });
  await buyer.fetch(url, { headers });
  expect(await balanceOf(shop.payTo)).toBe(30_000n);
});

test("a key that was used for another request is refused, and the payment is not sent there", async () => {
  await using shop = await openHostileShop();
  using buyer = await openFetchBuyer(market.chain, { shop });
  const headers = { "Idempotency-Key": "k1" };
  await buyer.pay(`${shop.url}/a`, { headers });
  const sent = shop.payments.length;
  const outcome = await buyer.pay(`${shop.url}/b`, { headers });
  expect(outcome).toMatchObject({ kind: "refused", error: { code: "PURCHASE_CONFLICT" } });
  expect(shop.payments).toHaveLength(sent);
});

describe("a request in any shape is sent twice alike, with the payment", () => {
  const bytes = new TextEncoder().encode("hello");
  const form = new FormData();
  form.set("greeting", "hello");
  test.each<[string, RequestInit, string]>([
    ["text", { body: "hello" }, "hello"],
    ["URLSearchParams", { body: new URLSearchParams({ greeting: "hello" }) }, "greeting=hello"],
    ["an ArrayBuffer", { body: bytes.buffer as ArrayBuffer }, "hello"],
    ["a view", { body: bytes.subarray(1) }, "ello"],
    ["a Blob", { body: new Blob(["hello"]) }, "hello"],
    ["a form", { body: form }, 'name="greeting"'],
  ])("%s", async (_, init, text) => {
    const seen: string[] = [];
    const note = (request: { body: unknown; header(name: string): string | undefined }) =>
      seen.push(
        JSON.stringify([request.body, request.header("content-type"), request.header("x-own")]),
      );
    await using shop = await openHostileShop({
      onPaid: (request, response) => {
        note(request);
        response.json({ ok: true });
      },
    });
    using buyer = await openFetchBuyer(market.chain, {
      shop,
      fetch: (input, options) => fetch(input, options),
    });
    const request = new Request(`${shop.url}/a`, {
      method: "POST",
      ...init,
      headers: [["x-own", "1"]],
    });
    const direct = await buyer.fetch(`${shop.url}/b`, {
      method: "POST",
      ...init,
      headers: new Headers({ "x-own": "1" }),
    });
    expect(direct.ok).toBe(true);
    expect((await buyer.fetch(request)).ok).toBe(true);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    for (const line of seen) {
      expect(line).toContain(JSON.stringify(text).slice(1, -1));
      expect(JSON.parse(line)[2]).toBe("1");
    }
  });

  test.each([
    ["a plain object", { authorization: "Bearer abc" }],
    ["an array", [["authorization", "Bearer abc"]] as [string, string][]],
    ["Headers", new Headers({ authorization: "Bearer abc" })],
  ])("headers from %s survive", async (_, headers) => {
    const seen: (string | undefined)[] = [];
    await using shop = await openHostileShop({
      onPaid: (request, response) => {
        seen.push(request.header("authorization"));
        response.json({});
      },
    });
    using buyer = await openFetchBuyer(market.chain, { shop });
    await buyer.fetch(new URL(`${shop.url}/a`), { headers });
    expect(seen).toEqual(["Bearer abc"]);
  });
});

test.each<[string, () => NonNullable<RequestInit["body"]>]>([
  ["a web stream", () => new Blob(["hello"]).stream()],
  ["a Node stream", () => Readable.from([Buffer.from("hello")]) as never],
])("%s is sent, and refused where it would have to be sent again", async (_, body) => {
  const bodies: unknown[] = [];
  await using free = await openHostileShop({
    onUnpaid: (request, response) => {
      bodies.push(request.body);
      response.json({});
    },
  });
  await using shop = await openHostileShop();
  using buyer = await openFetchBuyer(market.chain, { shop });
  await buyer.fetch(free.url, { method: "POST", body: body(), duplex: "half" });
  expect(bodies).toEqual(["hello"]);
  const sold = buyer.fetch(shop.url, { method: "POST", body: body(), duplex: "half" });
  await expect(sold).rejects.toMatchObject({
    code: "BODY_NOT_REPLAYABLE",
    outcome: { kind: "refused" },
  });
  expect([shop.payments, await buyer.ledger.list()]).toEqual([[], []]);
});

test.each<[string, string, RequestInit]>([
  ["another protocol", "ftp://shop.example/a", {}],
  ["a payment header of one's own", "http://127.0.0.1:1/", { headers: { "X-PAYMENT": "x" } }],
  ["what is no URL", "shop", {}],
  ["a GET with a stream", "http://127.0.0.1:1/", { body: new Blob(["a"]).stream() }],
  ["a GET with a body", "http://127.0.0.1:1/", { body: "a" }],
])("a request with %s is refused before it is sent", async (_, url, init) => {
  await using shop = await openHostileShop();
  using buyer = await openFetchBuyer(market.chain, { shop });
  expect(await buyer.pay(url, init)).toMatchObject({
    error: { code: "REQUEST_INVALID", problem: expect.stringMatching(/[^.]\.$/) },
  });
});

describe("signals", () => {
  test("one that has aborted sends nothing; one that aborts before payment pays nothing", async () => {
    const controller = new AbortController();
    await using shop = await openHostileShop({
      onUnpaid: () => controller.abort(new Error("enough")),
    });
    using buyer = await openFetchBuyer(market.chain, { shop });
    await expect(buyer.fetch(shop.url, { signal: controller.signal })).rejects.toThrow("enough");
    expect(shop.unpaid()).toBe(1);
    await expect(buyer.fetch(shop.url, { signal: controller.signal })).rejects.toThrow("enough");
    expect(shop.unpaid()).toBe(1);
    expect(await buyer.ledger.list()).toEqual([]);
  });

  test("one that aborts after payment ends the waiting; the payment is unknown, and the same request resends it", async () => {
    const controller = new AbortController();
    let hang = true;
    await using shop = await openHostileShop({
      onPaid: (_, response) => {
        if (hang) controller.abort();
        else response.json({ ok: true });
      },
    });
    using buyer = await openFetchBuyer(market.chain, { shop });
    await expect(buyer.fetch(shop.url, { signal: controller.signal })).rejects.toMatchObject({
      code: "PAYMENT_UNKNOWN",
      outcome: { kind: "unknown", record: { state: "unknown" } },
    });
    hang = false;
    expect((await buyer.fetch(shop.url)).ok).toBe(true);
    expect(new Set(shop.payments).size).toBe(1);
  });

  test("a server that never answers is given up after the timeout", async () => {
    await using shop = await openHostileShop({ onUnpaid: () => undefined });
    using buyer = await openFetchBuyer(market.chain, { shop, timeoutMs: 50 });
    const outcome = await buyer.pay(shop.url);
    expect(outcome).toMatchObject({ kind: "refused", error: { code: "PROVIDER_UNREACHABLE" } });
  });
});

test("pays the cheapest offer that the policy allows, in whatever order they stand", async () => {
  await using shop = await openHostileShop({
    offers: (offer) => [
      { ...offer, amount: "9000" },
      { ...offer, amount: "1", payTo: `0x${"ee".repeat(20)}` },
      { ...offer, amount: "8000" },
    ],
  });
  using buyer = await openFetchBuyer(market.chain, { shop });
  await buyer.pay(shop.url);
  expect(await buyer.ledger.list()).toMatchObject([
    { amount: 8000n, payTo: expect.stringMatching(/^0xdd/i) },
  ]);
});

test("a paid answer that is a redirect is an error, and its target never sees a request", async () => {
  await using thief = await openHostileShop();
  await using shop = await openHostileShop({
    onPaid: (_, response) => response.redirect(307, thief.url),
  });
  using buyer = await openFetchBuyer(market.chain, { shop });
  await expect(buyer.fetch(shop.url)).rejects.toMatchObject({
    code: "PAYMENT_UNKNOWN",
    outcome: { status: 307 },
  });
  expect([thief.unpaid(), thief.payments]).toEqual([0, []]);
});

describe("redirects before payment", () => {
  test.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [301, "PUT", "PUT"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [302, "GET", "GET"],
  ])(
    "%i of a %s is followed as %s, without the caller's secrets, and paid for there",
    async (status, method, followed) => {
      const seen: unknown[] = [];
      await using shop = await openHostileShop({
        onPaid: (request, response) => {
          const text =
            typeof request.body === "string" && request.body !== "" ? request.body : undefined;
          seen.push([request.method, text, request.header("authorization")]);
          response.json({});
        },
      });
      await using door = await openHostileShop({
        onUnpaid: (_, response) => response.redirect(status, `${shop.url}/a`),
      });
      using buyer = await openFetchBuyer(market.chain, { shop });
      const body = method === "GET" ? {} : { body: "hello" };
      const headers = { authorization: "Bearer abc" };
      await buyer.fetch(door.url, { method, headers, ...body });
      const kept = followed === method && method !== "GET" ? "hello" : undefined;
      expect(seen[0]).toEqual([followed, kept, undefined]);
      expect(door.payments).toEqual([]);
    },
  );

  test("an origin that is not allowed is followed to, and not paid", async () => {
    await using other = await openHostileShop();
    await using shop = await openHostileShop({
      onUnpaid: (_, response) => response.redirect(302, other.url),
    });
    using buyer = await openFetchBuyer(market.chain, { shop });
    expect(await buyer.pay(shop.url)).toMatchObject({ error: { code: "ORIGIN_NOT_ALLOWED" } });
    expect([other.unpaid(), other.payments]).toEqual([1, []]);
  });

  test.each<[string, RequestInit, string]>([
    ["endless ones", {}, "TOO_MANY_REDIRECTS"],
    ["one, where the caller wants none,", { redirect: "error" }, "REDIRECTED"],
  ])("%s are refused", async (_, init, code) => {
    await using shop = await openHostileShop({
      onUnpaid: (_, response) => response.redirect(302, "/again"),
    });
    using buyer = await openFetchBuyer(market.chain, { shop });
    expect(await buyer.pay(shop.url, init)).toMatchObject({ kind: "refused", error: { code } });
  });

  test("one is handed to a caller who follows by hand", async () => {
    await using shop = await openHostileShop({
      onUnpaid: (_, response) => response.redirect(302, "/again"),
    });
    using buyer = await openFetchBuyer(market.chain, { shop });
    const response = await buyer.fetch(shop.url, { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "/again"]);
  });
});

test.each<[string, object, string]>([
  ["an offer on another token", { asset: `0x${"ab".repeat(20)}` }, "OFFER_ASSET"],
  ["an offer to another recipient", { payTo: `0x${"ee".repeat(20)}` }, "OFFER_PAYEE"],
  ["an offer one unit too dear", { amount: "10001" }, "OFFER_PRICE"],
])("refuses %s", async (_, change, code) => {
  await using shop = await openHostileShop({ offers: (offer) => [{ ...offer, ...change }] });
  using buyer = await openFetchBuyer(market.chain, { shop });
  expect(await buyer.pay(shop.url)).toMatchObject({ kind: "refused", error: { code } });
  expect([shop.payments, await buyer.ledger.list()]).toEqual([[], []]);
});

test.each<[string, (headers: Headers) => void, string]>([
  [
    "a header of 10 MB",
    (headers) => headers.set("x-large", "a".repeat(10_000_000)),
    "ANSWER_UNREADABLE",
  ],
  [
    "a challenge of more than 16 KB",
    (headers) => headers.set("PAYMENT-REQUIRED", "a".repeat(16 * 1024 + 1)),
    "CHALLENGE_TOO_LARGE",
  ],
  [
    "a challenge that is nested too deep",
    (headers) =>
      headers.set(
        "PAYMENT-REQUIRED",
        encodeJson({ x402Version: 2, accepts: [JSON.parse("[".repeat(40) + "]".repeat(40))] }),
      ),
    "CHALLENGE_INVALID",
  ],
  ["what is no challenge", () => undefined, "CHALLENGE_INVALID"],
])("an answer with %s is refused", async (_, change, code) => {
  await using shop = await openHostileShop({
    onUnpaid: (_, response) => {
      const headers = new Headers();
      change(headers);
      response.status(402).setHeaders(headers).json({});
    },
  });
  using buyer = await openFetchBuyer(market.chain, { shop });
  expect(await buyer.pay(shop.url)).toMatchObject({ kind: "refused", error: { code } });
});

test("a compressed answer is read as it was before, and one that is free is not held back", async () => {
  await using shop = await openHostileShop({
    onUnpaid: (_, response) => {
      response.setHeader("content-encoding", "gzip").end(gzipSync("hello"));
    },
  });
  using buyer = await openFetchBuyer(market.chain, { shop });
  expect(await (await buyer.fetch(shop.url)).text()).toBe("hello");
});

test("a Host header of the caller's own leads the payment to no other site", async () => {
  const hosts: (string | undefined)[] = [];
  await using shop = await openHostileShop({
    onPaid: (request, response) => {
      hosts.push(request.headers.host);
      response.json({});
    },
  });
  using buyer = await openFetchBuyer(market.chain, { shop });
  const response = await buyer.fetch(`${shop.url}/a`, { headers: { host: "other.example" } });
  expect([hosts, response.url]).toEqual([[new URL(shop.url).host], `${shop.url}/a`]);
});

test("a kept connection that the server has closed is no failure of the request", async () => {
  const sockets = new Set<unknown>();
  await using shop = await openHostileShop({
    onUnpaid: (request, response) => {
      if (sockets.has(request.socket)) request.socket.destroy();
      else response.json({ ok: true });
      sockets.add(request.socket);
    },
  });
  using buyer = await openFetchBuyer(market.chain, { shop });
  for (const path of ["/a", "/b"]) {
    expect(await (await buyer.fetch(shop.url + path)).json()).toEqual({ ok: true });
  }
  expect(sockets.size).toBe(2);
});
