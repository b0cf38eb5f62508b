/**
 * A paid request and its answer on a network that fails, against servers whose facilitator really settles: whatever happens, the
 * outcome is a typed one, nothing is paid twice, ledger and chain agree, and asking again does the right thing.
 */
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ChaosProxy,
  openChaosProxy,
  WIRE_FAULTS,
  type WireFault,
} from "../support/chaos-proxy.ts";
import { type FetchBuyer, openFetchBuyer } from "./fetch-buyer.ts";
import { type Market, openMarket, openShop } from "./shop.ts";
import { onlyMpp, stockShopMppx, stockShopV1, stockShopV2 } from "./stock-shops.ts";

const seed = Number(process.env["PURSER_SEED"] ?? randomInt(2 ** 31));

const isPaid = (head: string) => /\r\n(x-payment|payment-signature|authorization): /i.test(head);

const SELLERS = {
  "our paywall": (facilitatorUrl: string, publicOrigin: () => string) =>
    openShop({ facilitatorUrl, publicOrigin }),
  "x402-express": (facilitatorUrl: string) => stockShopV1(facilitatorUrl),
  "@x402/express": (facilitatorUrl: string) => stockShopV2(facilitatorUrl),
  mppx: (facilitatorUrl: string) => stockShopMppx(facilitatorUrl),
};
type SellerName = keyof typeof SELLERS;
type Seller = Awaited<ReturnType<(typeof SELLERS)[SellerName]>>;

/** Those that do not, answer a payment that they have already settled as if it were none. */
const REDELIVERS: readonly SellerName[] = ["our paywall"];
/** After these the answer arrives whole all the same. */
const HARMLESS: readonly WireFault[] = ["sent to the server twice", "the answer in a slow drip"];
/** After these the server has not seen the payment. */
const UNSEEN: readonly WireFault[] = [
  "reset before it is forwarded",
  "reset with half of it forwarded",
];

async function ask(buyer: FetchBuyer, proxy: ChaosProxy, item: string) {
  return buyer.pay(`${proxy.url}/shop/items`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ item }),
  });
}

const openWireBuyer = (market: Market, name: SellerName, { payTo }: Seller, proxy: ChaosProxy) =>
  openFetchBuyer(market.chain, {
    shop: { url: proxy.url, payTo },
    timeoutMs: 400,
    resends: 1,
    ...(name === "mppx" ? { fetch: onlyMpp } : {}),
  });

describe.each(Object.keys(SELLERS) as SellerName[])(`%s (PURSER_SEED=${seed})`, (name) => {
  let market: Market;
  let seller: Seller;
  let proxy: ChaosProxy;
  beforeAll(async () => {
    market = await openMarket();
    seller = await SELLERS[name](market.facilitator.url, () => proxy.url);
    proxy = await openChaosProxy({ target: seller.url, seed, applies: isPaid });
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await seller[Symbol.asyncDispose]();
    await market[Symbol.asyncDispose]();
  });

  const transfersOf = async ({ account }: FetchBuyer) =>
    (await market.chain.chain.transfersFrom(account.address)).map(
      ({ to, value, transaction }) => `${to} ${value} ${transaction}`,
    );
  const settledOf = async ({ ledger }: FetchBuyer) =>
    (await ledger.list())
      .filter(({ state }) => state === "settled")
      .map(({ payTo, amount, transaction }) => `${payTo} ${amount} ${transaction}`);

  test.each(Object.keys(WIRE_FAULTS) as WireFault[])("%s", async (fault) => {
    using buyer = await openWireBuyer(market, name, seller, proxy);
    proxy.fault = fault;
    const first = await ask(buyer, proxy, fault);
    proxy.fault = undefined;
    const harmless = HARMLESS.includes(fault);
    expect(harmless ? ["delivered"] : ["unknown", "undelivered"]).toContain(first.kind);

    await buyer.wallet.recover();
    const moved = await transfersOf(buyer);
    expect(moved).toHaveLength(UNSEEN.includes(fault) ? 0 : 1);
    expect(await settledOf(buyer)).toEqual(moved);

    const again = await ask(buyer, proxy, fault);
    const delivers = moved.length === 0 || REDELIVERS.includes(name);
    expect(again).toMatchObject({
      kind: delivers ? "delivered" : "undelivered",
      record: { state: "settled" },
    });
    const all = await transfersOf(buyer);
    expect(all).toHaveLength(1);
    expect(await settledOf(buyer)).toEqual(all);
    expect(await buyer.ledger.list()).toHaveLength(1);
  });

  // The last one of each seller: it moves the chain's clock.
  test("a payment that never arrived is proven dead, and the next one is paid once", async () => {
    using buyer = await openWireBuyer(market, name, seller, proxy);
    proxy.fault = "reset before it is forwarded";
    expect((await ask(buyer, proxy, "late")).kind).toBe("unknown");
    proxy.fault = undefined;
    await market.chain.advance(200);
    expect(await buyer.wallet.recover()).toEqual([]);
    expect(await buyer.ledger.list()).toMatchObject([{ state: "released", proof: "EXPIRED" }]);
    expect((await ask(buyer, proxy, "late")).kind).toBe("delivered");
    expect(await settledOf(buyer)).toEqual(await transfersOf(buyer));
    expect(await transfersOf(buyer)).toHaveLength(1);
  });
});
