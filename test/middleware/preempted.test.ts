/** Somebody else brings the buyer's authorization to the chain before the buyer comes (payments.md §6, attack 4). */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openDatabase } from "../../store/index.ts";
import { decodeJson } from "../../protocol/offer.ts";
import { sendCall, transferCall } from "../support/chain.ts";
import { ITEMS, pay } from "./payments.ts";
import { payBy, type Protocol, PROTOCOLS } from "./protocol-payments.ts";
import { type Market, openMarket, openShop } from "./shop.ts";
import { openStockShop } from "./stock-shop.ts";

let market: Market;
beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

/** The authorization in a request, sent to the token by a stranger. */
async function preempt({ headers }: RequestInit): Promise<void> {
  const values = Object.entries(headers as Record<string, string>);
  const [, value = ""] = values.find(([name]) => /payment|authorization/i.test(name)) ?? [];
  const json = value.startsWith("Payment ")
    ? (JSON.parse(Buffer.from(value.slice(8), "base64url").toString()) as object)
    : decodeJson(value);
  const { payload } = json as {
    payload: Record<string, unknown> & { signature: `0x${string}`; authorization?: object };
  };
  const raw = (payload.authorization ?? payload) as Record<string, `0x${string}`>;
  const { from, to, value: amount, validAfter, validBefore, nonce } = raw;
  const call = transferCall(
    {
      from: from!,
      to: to!,
      value: BigInt(amount!),
      validAfter: BigInt(validAfter!),
      validBefore: BigInt(validBefore!),
      nonce: nonce!,
    },
    payload.signature,
  );
  const stranger = await market.chain.newPayer(0n, 10n ** 18n);
  const { address } = market.chain.asset;
  const receipt = await sendCall(market.chain, stranger, { to: address, data: call });
  expect(receipt.status).toBe("success");
}

const newPayer = () => market.chain.newPayer(100_000n);

test.each([1, 2] as const)(
  "x402 v%i: stock has charged the buyer and delivers nothing",
  async (version) => {
    const facilitatorUrl = market.facilitator.url;
    await using stock = await openStockShop({ facilitatorUrl, version });
    const payer = await newPayer();
    const theirs = await pay(stock, { version, payer, path: "/a", init: {} });
    await preempt(theirs);
    const answer = await fetch(`${stock.url}/a`, theirs);
    expect(answer.status).toBe(402);
    expect(await market.chain.chain.balanceOf(payer.address)).toBe(90_000n);
  },
);

const open = (onlySeller: boolean, db = openDatabase(":memory:")) =>
  openShop({ facilitatorUrl: market.facilitator.url, onlySeller, db });

test.each(PROTOCOLS)(
  "%s: ours, the only seller for its payee, takes it as paid, once",
  async (protocol: Protocol) => {
    await using shop = await open(true);
    const paid = await payBy(shop, { protocol, payer: await newPayer() });
    await preempt(paid);
    const answers = [await fetch(shop.url + ITEMS, paid), await fetch(shop.url + ITEMS, paid)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(shop.events).toEqual(["work a", "settled a"]);
    expect(await market.chain.chain.balanceOf(shop.payTo)).toBe(10_000n);
  },
);

test("where others sell for the same payee it may have bought something there, so it is refused", async () => {
  await using shop = await open(false);
  const paid = await payBy(shop, { protocol: "x402 v2", payer: await newPayer() });
  await preempt(paid);
  const answer = await fetch(shop.url + ITEMS, paid);
  expect([answer.status, shop.events]).toEqual([402, []]);
});

test("between verification and settlement it is the payment all the same: delivered, and charged once", async () => {
  let strike: () => Promise<void> = () => Promise.resolve();
  await using shop = await openShop({
    facilitatorUrl: market.facilitator.url,
    onWork: async () => {
      await strike();
      return undefined;
    },
  });
  const payer = await newPayer();
  const paid = await payBy(shop, { protocol: "x402 v2", payer });
  strike = () => preempt(paid);
  expect((await fetch(shop.url + ITEMS, paid)).status).toBe(201);
  expect(await market.chain.chain.balanceOf(payer.address)).toBe(90_000n);
});
