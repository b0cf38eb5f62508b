/** `paywall` against everything that is no honest payment: ways round it, headers that cannot be read, silent facilitators, MPP's errors. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseMppChallenges } from "../../protocol/index.ts";
import { type FaultyFacilitator, openFaultyFacilitator } from "./faulty-facilitator.ts";
import { openPaidShop, type PaidShopOptions, present, PROTOCOLS } from "./paid-shop.ts";
import { type Market, openMarket } from "./shop.ts";

let market: Market;
let facilitator: FaultyFacilitator;
beforeAll(async () => {
  // The stock v1 middleware prints the faults that these tests make.
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  market = await openMarket();
  facilitator = await openFaultyFacilitator(market.facilitator.url);
});
afterAll(async () => {
  await facilitator[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

const open = (options: Partial<PaidShopOptions> = {}) =>
  openPaidShop({ facilitator: facilitator.url, ...options });
const newPayer = () => market.chain.newPayer(100_000n);
const spentBy = async ({ address }: { address: `0x${string}` }) =>
  100_000n - (await market.chain.chain.balanceOf(address));
const FLOWS = ["work-first", "settle-first"] as const;
const all = FLOWS.flatMap((flow) => PROTOCOLS.map((protocol) => [flow, protocol] as const));

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

/** Sends a target as it stands, which `fetch` would tidy up. */
async function sendRaw(url: string, path: string, method = "GET"): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { hostname, port } = new URL(url);
  httpRequest({ hostname, port, path, method }, (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  })
    .on("error", reject)
    .end();
  return promise;
}

describe("round the paywall", () => {
  test.each([
    "/ITEM/a",
    "/item/a/",
    "/item//a",
    "//item/a",
    "/./item/a",
    "/item/../item/a",
    "/%2e/item/a",
    "/item/%61",
    "/item/a%2F..",
    "/item/%2561",
    "/item/%",
    "/item/%c0",
    "/item/a%0A",
    "/item/a;x=1",
    "/item/a%5C",
    "/item/a?id=free&id=paid",
    "/paid//a",
    "/paid/%61",
    "/PAID/a",
    "/paid/../paid/a",
    "/paid",
  ])("%s runs nothing and sells nothing", async (path) => {
    await using shop = await open();
    expect([400, 402, 404]).toContain(await sendRaw(shop.url, path));
    expect(shop.runs).toEqual([]);
  });

  test("HEAD asks for the price, also with a payment, which is not taken", async () => {
    await using shop = await open();
    const payer = await newPayer();
    const paid = await present(shop, "x402 v2", { payer });
    for (const init of [{ method: "HEAD" }, { ...paid, method: "HEAD" }]) {
      const response = await fetch(`${shop.url}/item/a`, init);
      expect([response.status, response.headers.get("PAYMENT-REQUIRED")]).toEqual([
        402,
        expect.any(String),
      ]);
      expect([response.headers.get("etag"), response.headers.get("x-item")]).toEqual([null, null]);
    }
    expect([shop.runs, await spentBy(payer)]).toEqual([[], 0n]);
  });

  test("OPTIONS is answered without price and without work", async () => {
    await using shop = await open();
    const init = { method: "OPTIONS", headers: { "access-control-request-method": "GET" } };
    const response = await fetch(`${shop.url}/paid/a`, init);
    expect([response.status, response.headers.get("PAYMENT-REQUIRED"), shop.runs]).toEqual([
      204,
      null,
      [],
    ]);
  });

  test.each([
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
  ])("%s changes nothing", async (name) => {
    await using shop = await open();
    const init = { headers: { [name]: name.includes("URL") ? "/free" : "OPTIONS" } };
    expect((await fetch(`${shop.url}/item/a?_method=OPTIONS`, init)).status).toBe(402);
    expect(shop.runs).toEqual([]);
  });

  test("a payment in the query, in a cookie or in the body is none", async () => {
    await using shop = await open();
    const paid = await present(shop, "x402 v2", { payer: await newPayer() });
    const value = (paid.headers as Record<string, string>)["PAYMENT-SIGNATURE"] ?? "";
    const query = `?PAYMENT-SIGNATURE=${encodeURIComponent(value)}`;
    const json = { "content-type": "application/json" };
    const tries: [string, RequestInit][] = [
      [`/item/a${query}`, {}],
      ["/item/a", { headers: { cookie: `PAYMENT-SIGNATURE=${value}` } }],
      [
        "/item/a",
        { method: "POST", headers: json, body: JSON.stringify({ "PAYMENT-SIGNATURE": value }) },
      ],
    ];
    for (const [path, init] of tries) expect((await fetch(shop.url + path, init)).status).toBe(402);
    expect(shop.runs).toEqual([]);
  });

  test("conditions of caches neither get the paid answer nor part of it", async () => {
    await using shop = await open();
    const payer = await newPayer();
    const paid = await present(shop, "x402 v2", { payer });
    const etag = (await fetch(`${shop.url}/item/a`, paid)).headers.get("etag") ?? "";
    const conditions = { "if-none-match": etag, range: "bytes=0-3" };
    expect((await fetch(`${shop.url}/item/a`, { headers: conditions })).status).toBe(402);
    const again = await present(shop, "x402 v2", { payer, init: { headers: conditions } });
    const answer = await fetch(`${shop.url}/item/a`, again);
    expect([answer.status, await answer.json()]).toMatchObject([200, { item: "/item/a" }]);
  });
});

describe("headers", () => {
  test("of a 402 and of what was paid for keep it out of shared caches", async () => {
    await using shop = await open();
    const unpaid = await fetch(`${shop.url}/item/a`);
    expect(unpaid.headers.get("cache-control")).toBe("no-store");
    const paid = await fetch(
      `${shop.url}/item/a`,
      await present(shop, "MPP", { payer: await newPayer() }),
    );
    expect(paid.headers.get("cache-control")).toBe("private, no-store");
    for (const { headers } of [unpaid, paid])
      expect(headers.get("vary")).toMatch(
        /Authorization, Payment-Authorization, X-PAYMENT, PAYMENT-SIGNATURE/,
      );
  });

  test("of a 402 stay below 8 KB together, whatever the description, and a URL that leaves no room is 414", async () => {
    await using shop = await open({ description: "x".repeat(13_000) });
    const { headers } = await fetch(`${shop.url}/item/a`);
    const size =
      (headers.get("PAYMENT-REQUIRED") ?? "").length +
      (headers.get("WWW-Authenticate") ?? "").length;
    expect(size).toBeLessThan(8_192);
    expect((await fetch(`${shop.url}/item/a?q=${"x".repeat(9_000)}`)).status).toBe(414);
  });

  test("say to a page of another origin which of them it may read", async () => {
    await using shop = await open();
    const init = { headers: { origin: "https://app.example" } };
    const exposed = (response: Response) => response.headers.get("access-control-expose-headers");
    expect(exposed(await fetch(`${shop.url}/item/a`, init))).toBe(
      "PAYMENT-REQUIRED, WWW-Authenticate",
    );
    const paid = await present(shop, "x402 v2", { payer: await newPayer(), init });
    expect(exposed(await fetch(`${shop.url}/item/a`, paid))).toBe("PAYMENT-RESPONSE");
  });

  const b64 = (text: string) => Buffer.from(text).toString("base64");
  test.each<readonly [string, string]>([
    ["no Base64", "{}"],
    ["Base64 of no JSON", b64("no")],
    ...["null", "[]", "1", '"x"', "true", "{}"].map(
      (json) => [`Base64 of ${json}`, b64(json)] as const,
    ),
    ...[1, 99, -1, '"2"', 2.5].map((v) => [`version ${v}`, b64(`{"x402Version":${v}}`)] as const),
    ["JSON that is ten thousand deep", b64("[".repeat(5_000) + "]".repeat(5_000))],
    ["two JSONs", b64("{}{}")],
  ])("PAYMENT-SIGNATURE with %s is 400, and no work", async (_, value) => {
    await using shop = await open();
    const response = await fetch(`${shop.url}/item/a`, { headers: { "PAYMENT-SIGNATURE": value } });
    expect([response.status, shop.runs]).toEqual([400, []]);
  });

  test.each([
    ["X-PAYMENT", "PAYMENT-SIGNATURE"],
    ["PAYMENT-SIGNATURE", "Authorization"],
    ["Authorization", "Payment-Authorization"],
  ])(
    "a payment in %s beside one in %s is 400: nobody can say which is meant",
    async (first, second) => {
      await using shop = await open();
      const value = (name: string) => (name.endsWith("Authorization") ? "Payment e30" : "e30=");
      const headers = { [first]: value(first), [second]: value(second) };
      expect((await fetch(`${shop.url}/item/a`, { headers })).status).toBe(400);
    },
  );
});

test("a browser gets a page that a person can read, with the offer in it", async () => {
  await using shop = await open({ description: "A <b>map</b>" });
  const init = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };
  const response = await fetch(`${shop.url}/item/a`, init);
  const page = await response.text();
  expect([response.status, response.headers.get("content-type")]).toEqual([
    402,
    "text/html; charset=utf-8",
  ]);
  expect(page).toContain("<h1>0.01 USDC</h1>");
  expect(page).toContain("A &lt;b&gt;map&lt;/b&gt;");
  expect(page).toContain(response.headers.get("PAYMENT-REQUIRED"));
});

describe.each(all)("%s, %s: a facilitator", (flow, protocol) => {
  test.each(["hang", "drop", "page"] as const)(
    "whose verify fails (%s) is a 503 that repeats nothing of it: no work, no charge",
    async (verifyFault) => {
      await using shop = await open({
        flow,
        facilitatorTimeoutMs: verifyFault === "hang" ? 700 : 5_000,
      });
      const payer = await newPayer();
      const paid = await present(shop, protocol, { payer });
      const response = await during({ verifyFault }, () => fetch(`${shop.url}/item/a`, paid));
      const text = JSON.stringify([...response.headers]) + (await response.text());
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(text).not.toMatch(/DOCTYPE|10\.0\.0\.7|fetch failed/);
      expect([shop.runs, await spentBy(payer)]).toEqual([[], 0n]);
      expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(200);
    },
  );

  test.each(["lose-answer", "say-pending"] as const)(
    "whose settlement is unknown (%s) is a 503 and no new 402; the same payment then gets what was bought",
    async (fault) => {
      await using shop = await open({ flow });
      const payer = await newPayer();
      const paid = await present(shop, protocol, { payer });
      const pending = await during({ fault }, () => fetch(`${shop.url}/item/a`, paid));
      expect([pending.status, await pending.json()]).toMatchObject([
        503,
        { error: "settlement_pending" },
      ]);
      expect([
        pending.headers.get("PAYMENT-REQUIRED"),
        pending.headers.get("Payment-Receipt"),
      ]).toEqual([null, null]);
      expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(200);
      expect([shop.runs.length, await spentBy(payer)]).toEqual([1, 10_000n]);
    },
  );

  test("that does not settle is a 402 with the reason, and no answer of the handler's", async () => {
    await using shop = await open({ flow });
    const payer = await newPayer();
    const paid = await present(shop, protocol, { payer });
    const response = await during({ fault: "refuse" }, () => fetch(`${shop.url}/item/a`, paid));
    expect([response.status, response.headers.get("x-item")]).toEqual([402, null]);
    expect(await response.text()).toContain("insufficient_funds");
    expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(200);
    expect(shop.runs).toHaveLength(1);
  });
});

test("a settlement that is unknown is looked at again by itself, and the answer then waits for its buyer", async () => {
  await using shop = await open();
  const paid = await present(shop, "x402 v2", { payer: await newPayer() });
  const settles = facilitator.settles;
  await during({ fault: "lose-answer" }, () => fetch(`${shop.url}/item/a`, paid));
  const state = () =>
    shop.db.query<{ state: string }>("SELECT state FROM paywall_sale").get()?.state;
  await vi.waitUntil(() => state() === "settled", { timeout: 5_000, interval: 20 });
  expect(facilitator.settles).toBe(settles + 2);
  expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(200);
  expect([facilitator.settles, shop.runs.length]).toEqual([settles + 2, 1]);
});

test("a settlement that was refused is not tried again behind the back of a buyer who was told to pay anew", async () => {
  await using shop = await open();
  const paid = await present(shop, "x402 v2", { payer: await newPayer() });
  const settles = facilitator.settles;
  await during({ fault: "refuse" }, () => fetch(`${shop.url}/item/a`, paid));
  // Longer than the first look at a sale that is not known.
  const later = await present(shop, "x402 v2", { payer: await newPayer(), path: "/item/b" });
  await during({ fault: "lose-answer" }, () => fetch(`${shop.url}/item/b`, later)).catch(
    () => undefined,
  );
  const states = () => shop.db.query<{ state: string }>("SELECT state FROM paywall_sale").all();
  await vi.waitUntil(() => states().some(({ state }) => state === "settled"), {
    timeout: 5_000,
    interval: 20,
  });
  expect(
    states()
      .map(({ state }) => state)
      .toSorted(),
  ).toEqual(["settled", "worked"]);
  expect(facilitator.settles).toBe(settles + 3);
});

describe("MPP", () => {
  type Changes = Pick<Parameters<typeof present>[2], "challenge" | "fields">;
  const sha = { request: Buffer.from('{"amount":"1"}').toString("base64url") };
  test.each<[string, Changes, number, string]>([
    ["another id", { challenge: { id: "x".repeat(43) } }, 402, "invalid-challenge"],
    ["another realm", { challenge: { realm: "other.example" } }, 402, "invalid-challenge"],
    ["another request", { challenge: sha }, 402, "invalid-challenge"],
    [
      "a later expiry",
      { challenge: { expires: "2099-01-01T00:00:00.000Z" } },
      402,
      "invalid-challenge",
    ],
    ["another opaque", { challenge: { opaque: "mine" } }, 402, "invalid-challenge"],
    ["the opaque of the next", { challenge: { opaque: "series-1" } }, 402, "invalid-challenge"],
    ["a number that none has", { challenge: { opaque: "series-16" } }, 402, "invalid-challenge"],
    [
      "another header",
      { challenge: { header: "Payment-Authorization" } },
      402,
      "invalid-challenge",
    ],
    ["a digest", { challenge: { digest: "sha-256=x" } }, 402, "invalid-challenge"],
    ["less money", { fields: { value: 9_999n } }, 402, "payment-insufficient"],
    ["another payee", { fields: { to: `0x${"bb".repeat(20)}` } }, 402, "verification-failed"],
    [
      "a nonce of its own",
      { fields: { nonce: `0x${"11".repeat(32)}` } },
      402,
      "verification-failed",
    ],
    ["a window that is over", { fields: { validBefore: 1_000n } }, 402, "verification-failed"],
  ])(
    "a credential with %s is a problem of the registry, with a new challenge",
    async (_, changes, status, problem) => {
      await using shop = await open({ newId: () => "series" });
      const payer = await newPayer();
      const paid = await present(shop, "MPP", { payer, ...changes });
      const response = await fetch(`${shop.url}/item/a`, paid);
      expect([response.status, response.headers.get("content-type")]).toEqual([
        status,
        "application/problem+json",
      ]);
      expect(await response.json()).toMatchObject({
        type: `https://paymentauth.org/problems/${problem}`,
        status,
      });
      expect(response.headers.get("WWW-Authenticate")).toMatch(/^Payment id="/);
      expect([shop.runs, await spentBy(payer)]).toEqual([[], 0n]);
    },
  );

  test.each([
    ["no Base64url", "Payment {}"],
    ["Base64url of no JSON", "Payment bm8"],
    ["an empty credential", "Payment e30"],
  ])(
    "%s is a malformed credential: 402 with a new challenge, not 400",
    async (_, authorization) => {
      await using shop = await open();
      const response = await fetch(`${shop.url}/item/a`, { headers: { authorization } });
      expect([response.status, await response.json()]).toMatchObject([
        402,
        { type: "https://paymentauth.org/problems/malformed-credential" },
      ]);
      expect(response.headers.get("WWW-Authenticate")).toMatch(/^Payment id="/);
    },
  );

  test("an expired challenge is said to be", async () => {
    let now = Date.now();
    await using shop = await open({ now: () => now });
    const paid = await present(shop, "MPP", { payer: await newPayer() });
    now += 121_000;
    const response = await fetch(`${shop.url}/item/a`, paid);
    expect(await response.json()).toMatchObject({
      type: "https://paymentauth.org/problems/payment-expired",
    });
  });

  test("each challenge is another, also in one millisecond, because its id becomes a nonce", async () => {
    await using shop = await open({ now: () => 1_790_000_000_000 });
    const headers = await Promise.all(
      Array.from({ length: 50 }, async () =>
        (await fetch(`${shop.url}/item/a`)).headers.get("WWW-Authenticate"),
      ),
    );
    expect(new Set(headers).size).toBe(50);
  });

  test("of many challenges for the same thing, the first and the last are each good for one payment", async () => {
    const start = Date.now();
    await using shop = await open({ now: () => start });
    const url = `${shop.url}/item/a`;
    const ask = async () => (await fetch(url)).headers.get("WWW-Authenticate");
    const headers = await Promise.all(Array.from({ length: 20 }, ask));
    const statuses = [];
    for (const header of [headers[0], headers[19]]) {
      const [offer] = parseMppChallenges({ header: header ?? "", url, now: start });
      const { id = "", opaque = "" } = offer?.mpp ?? {};
      const paid = await present(shop, "MPP", {
        payer: await newPayer(),
        challenge: { id, opaque },
      });
      statuses.push((await fetch(url, paid)).status);
    }
    expect([statuses, shop.runs.length]).toEqual([[200, 200], 2]);
  });

  test("a challenge says what its own request asks for, also where the one before it differs in one thing alone", async () => {
    let now = 1_790_000_000_000;
    let price = "0.01";
    await using shop = await open({ now: () => now, newId: () => "series", price: () => price });
    const url = `${shop.url}/item/a`;
    const ask = (headers: Record<string, string>) =>
      new Promise<string | undefined>((resolve, reject) => {
        httpRequest(url, { headers }, (response) => {
          response.resume();
          resolve(response.headers["www-authenticate"]);
        })
          .on("error", reject)
          .end();
      });
    const asked: { headers?: Record<string, string>; now?: number; price?: string }[] = [
      {},
      {},
      { headers: { authorization: "Bearer abc" } },
      {},
      { headers: { host: "b.example" } },
      {},
      { now: now + 1_000 },
      { price: "0.02" },
    ];
    const told = [];
    for (const { headers = {}, ...change } of asked) {
      ({ now = now, price = price } = change);
      const header = await ask({ host: "a.example", ...headers });
      const [offer] = parseMppChallenges({ header: header ?? "", url, now });
      const { realm, expires, opaque, header: carrier } = offer?.mpp ?? {};
      told.push([realm, offer?.amount, expires?.slice(17), carrier, opaque]);
    }
    expect(told).toEqual([
      ["a.example", 10_000n, "20Z", undefined, "series-0"],
      ["a.example", 10_000n, "20Z", undefined, "series-1"],
      ["a.example", 10_000n, "20Z", "Payment-Authorization", "series-0"],
      ["a.example", 10_000n, "20Z", undefined, "series-0"],
      ["b.example", 10_000n, "20Z", undefined, "series-0"],
      ["a.example", 10_000n, "20Z", undefined, "series-0"],
      ["a.example", 10_000n, "21Z", undefined, "series-0"],
      ["a.example", 20_000n, "21Z", undefined, "series-0"],
    ]);
  });

  test("beside another scheme in Authorization, the credential travels in a header of its own", async () => {
    await using shop = await open();
    const init = { headers: { authorization: "Bearer abc" } };
    const paid = await present(shop, "MPP", { payer: await newPayer(), init });
    expect(Object.keys(paid.headers as object)).toEqual(["authorization", "Payment-Authorization"]);
    const response = await fetch(`${shop.url}/item/a`, paid);
    expect([response.status, response.headers.get("cache-control")]).toEqual([
      200,
      "private, no-store",
    ]);
  });

  test("the receipt names the transaction, and stays the same", async () => {
    await using shop = await open();
    const paid = await present(shop, "MPP", { payer: await newPayer() });
    const read = async () =>
      (await fetch(`${shop.url}/item/a`, paid)).headers.get("Payment-Receipt") ?? "";
    const first = await read();
    expect(JSON.parse(Buffer.from(first, "base64url").toString())).toEqual({
      status: "success",
      method: "evm",
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      reference: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    });
    expect(await read()).toBe(first);
  });
});
