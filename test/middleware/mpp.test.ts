/** The paying fetch and MPP: an unmodified mppx server that really settles, and all three protocols in one answer. */
import { keccak256, stringToBytes } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BASE_SEPOLIA_USDC, encodeJson } from "../../protocol/index.ts";
import { openBuyer } from "./buyer.ts";
import { openFetchBuyer } from "./fetch-buyer.ts";
import { type HostileShop, openHostileShop, type V2Offer } from "./hostile-shop.ts";
import { type Market, openMarket } from "./shop.ts";
import { onlyMpp, stockShopMppx } from "./stock-shops.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => market.chain.chain.balanceOf(address);

const order = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ item: "a" }),
};

describe("an unmodified mppx server", () => {
  test.each<[string, typeof fetch | undefined, string]>([
    ["MPP", onlyMpp, "Authorization"],
    [
      "x402, which it speaks too and which comes first at the same price",
      undefined,
      "PAYMENT-SIGNATURE",
    ],
  ])("is paid in %s, and settled", async (_, fetch, name) => {
    await using shop = await stockShopMppx(market.facilitator.url);
    using buyer = await openFetchBuyer(market.chain, { shop, ...(fetch ? { fetch } : {}) });
    const outcome = await buyer.pay(`${shop.url}/shop/items`, order);
    expect(outcome).toMatchObject({
      kind: "delivered",
      record: { state: "settled", amount: "0.01", payment: { name } },
    });
    expect(await balanceOf(shop.payTo)).toBe(10_000n);
    const transfers = await market.chain.chain.transfersFrom(buyer.account.address);
    expect(transfers.map(({ value }) => value)).toEqual([10_000n]);
  });

  test("whose answer is lost is sent the same bytes, and paid once", async () => {
    await using shop = await stockShopMppx(market.facilitator.url);
    let lost = 0;
    const sent = new Set<string | null>();
    const flaky: typeof fetch = async (input, init) => {
      const response = await onlyMpp(input, init);
      const payment = new Headers(init?.headers).get("authorization");
      if (payment === null) return response;
      sent.add(payment);
      if (lost++ === 0) throw new TypeError("reset");
      return response;
    };
    using buyer = await openFetchBuyer(market.chain, { shop, fetch: flaky });
    const outcome = await buyer.pay(`${shop.url}/shop/items`, order);
    expect([sent.size, lost > 1]).toEqual([1, true]);
    expect(outcome).toMatchObject({ record: { state: "settled" } });
    expect(await balanceOf(shop.payTo)).toBe(10_000n);
  });

  test("that another header of the caller's is in the way of is not paid", async () => {
    await using shop = await stockShopMppx(market.facilitator.url);
    using buyer = await openFetchBuyer(market.chain, { shop, fetch: onlyMpp });
    const headers = { ...order.headers, authorization: "Bearer abc" };
    const outcome = await buyer.pay(`${shop.url}/shop/items`, { ...order, headers });
    expect(outcome).toMatchObject({ kind: "refused", error: { code: "OFFER_HEADER" } });
    expect(await buyer.ledger.list()).toEqual([]);
  });
});

describe("all three protocols in one answer", () => {
  let prices: { v1: string; v2: string; mpp: string };
  let mppPayTo: string | undefined;
  let id = 0;
  let carrier = "";
  let realm = "127.0.0.1";
  let logins: (string | undefined)[] = [];
  let shop: HostileShop;
  const used: string[] = [];
  const offer: V2Offer = {
    scheme: "exact",
    network: BASE_SEPOLIA_USDC.network,
    amount: "1",
    asset: BASE_SEPOLIA_USDC.address,
    payTo: `0x${"dd".repeat(20)}`,
    maxTimeoutSeconds: 60,
    extra: {},
  };
  beforeAll(async () => {
    shop = await openHostileShop({
      onUnpaid: (request, response) => {
        const url = `http://${request.headers.host}${request.originalUrl}`;
        const login = request.header("authorization");
        if (
          request.header("payment-authorization") !== undefined ||
          login?.startsWith("Payment ") === true
        ) {
          logins.push(login);
          used.push("mpp");
          response.json({});
          return;
        }
        const charge = {
          amount: prices.mpp,
          currency: offer.asset,
          recipient: mppPayTo ?? offer.payTo,
          methodDetails: { chainId: 84_532, credentialTypes: ["authorization"], decimals: 6 },
        };
        const encoded = Buffer.from(JSON.stringify(charge)).toString("base64url");
        const v2 = {
          x402Version: 2,
          resource: { url },
          accepts: [{ ...offer, amount: prices.v2 }],
        };
        const v1 = {
          ...offer,
          network: "base-sepolia",
          resource: url,
          maxAmountRequired: prices.v1,
        };
        response
          .status(402)
          .setHeader("PAYMENT-REQUIRED", encodeJson(v2))
          .setHeader(
            "WWW-Authenticate",
            `Bearer realm="x", Payment id="c${++id}", realm="${realm}", method="evm", intent="charge", request="${encoded}"${carrier}`,
          )
          .json({ x402Version: 1, accepts: [v1] });
      },
      onPaid: (request, response) => {
        used.push(request.header("X-PAYMENT") === undefined ? "v2" : "v1");
        response.json({});
      },
    });
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  test.each<[string, typeof prices, string | undefined, bigint]>([
    ["v1", { v1: "1000", v2: "2000", mpp: "3000" }, undefined, 1000n],
    ["v2", { v1: "3000", v2: "2000", mpp: "3000" }, undefined, 2000n],
    ["mpp", { v1: "3000", v2: "2000", mpp: "1000" }, undefined, 1000n],
    ["v2", { v1: "2000", v2: "2000", mpp: "2000" }, undefined, 2000n],
    // The cheapest one pays somebody else: the policy does not allow it.
    ["v1", { v1: "2000", v2: "3000", mpp: "1000" }, `0x${"ee".repeat(20)}`, 2000n],
    // The prices of the others are no prices.
    ["mpp", { v1: "1e3", v2: "", mpp: "9000" }, undefined, 9000n],
  ])("pays in %s for %o", async (protocol, asked, payTo, amount) => {
    prices = asked;
    mppPayTo = payTo;
    used.length = 0;
    using buyer = await openFetchBuyer(market.chain, { shop });
    expect((await buyer.pay(shop.url)).kind).toBe("delivered");
    expect(used).toEqual([protocol]);
    expect(await buyer.ledger.list()).toMatchObject([{ amount }]);
  });

  describe("of MPP alone", () => {
    const soon = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
    const expiring = (at: number) => `, expires="${new Date(at * 1000).toISOString()}"`;
    beforeEach(() => {
      prices = { v1: "", v2: "", mpp: "1000" };
      mppPayTo = undefined;
    });
    afterEach(() => {
      carrier = "";
      realm = "127.0.0.1";
    });

    test("the nonce is the challenge's own, and the payment lives no longer than the challenge", async () => {
      const at = soon(30);
      carrier = expiring(at);
      // A chain whose clock is ahead of ours would have it live longer.
      const ahead = { ...market.chain.chain, now: () => Promise.resolve(BigInt(soon(20))) };
      using buyer = await openFetchBuyer(market.chain, {
        shop,
        buyer: await openBuyer(market.chain, { chain: ahead }),
      });
      await buyer.pay(shop.url);
      const [entry] = await buyer.ledger.list();
      expect(entry?.validBefore).toBe(BigInt(at));
      expect(entry?.nonce).toBe(keccak256(stringToBytes(`c${id}${realm}`)));
    });

    test.each<[string, () => void, string]>([
      ["has expired", () => (carrier = expiring(soon(-1))), "OFFER_EXPIRY"],
      ["expires in a moment", () => (carrier = expiring(soon(5))), "OFFER_EXPIRY"],
      ["is of another realm", () => (realm = "other.example"), "OFFER_RESOURCE"],
      ["pays somebody else", () => (mppPayTo = `0x${"ee".repeat(20)}`), "OFFER_PAYEE"],
      ["is one unit too dear", () => (prices.mpp = "10001"), "OFFER_PRICE"],
    ])("an offer that %s is refused", async (_, change, code) => {
      change();
      using buyer = await openFetchBuyer(market.chain, { shop });
      expect(await buyer.pay(shop.url)).toMatchObject({ kind: "refused", error: { code } });
      expect(await buyer.ledger.list()).toEqual([]);
    });
  });

  // (mppx 0.11.0 names this header in an `evm` challenge and then reads the other one, so it cannot be tried on it.)
  test("a server with a login of its own is paid in Payment-Authorization, and sees the login", async () => {
    prices = { v1: "9000", v2: "9000", mpp: "1000" };
    mppPayTo = undefined;
    carrier = ', header="Payment-Authorization"';
    logins = [];
    using buyer = await openFetchBuyer(market.chain, { shop });
    const headers = { authorization: "Bearer abc" };
    expect((await buyer.pay(shop.url, { headers })).kind).toBe("delivered");
    expect(logins).toEqual(["Bearer abc"]);
    carrier = "";
  });

  test("a challenge that was handed to two purchases is signed for one", async () => {
    prices = { v1: "9000", v2: "9000", mpp: "1000" };
    mppPayTo = undefined;
    using buyer = await openFetchBuyer(market.chain, { shop });
    id = 1000;
    await buyer.pay(`${shop.url}/a`);
    id = 1000;
    const outcome = await buyer.pay(`${shop.url}/b`);
    expect(outcome).toMatchObject({ kind: "refused", error: { code: "PURCHASE_CONFLICT" } });
    expect(await buyer.ledger.list()).toHaveLength(1);
    expect((await buyer.pay(`${shop.url}/b`)).kind).toBe("delivered");
  });
});
