/** A buyer's own names for a payment: `payment-identifier` (x402) and `Idempotency-Key`. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, type Facilitator } from "../../facilitator/index.ts";
import { decodeJson, encodeJson } from "../../protocol/index.ts";
import { openDatabase } from "../../store/index.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { openPaidShop, type PaidShopOptions, present, PROTOCOLS } from "./paid-shop.ts";

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

const open = (options: Partial<PaidShopOptions> = {}) => openPaidShop({ facilitator, ...options });
const newPayer = () => chain.newPayer(100_000n);
const spentBy = async ({ address }: { address: `0x${string}` }) =>
  100_000n - (await chain.chain.balanceOf(address));
const ID = "pay_7d5d747be160e280504c099d984bcfe0";
const HEADER = "PAYMENT-SIGNATURE";

const withHeader = (init: RequestInit, name: string, value: string): RequestInit => ({
  ...init,
  headers: { ...(init.headers as Record<string, string>), [name]: value },
});
const withId = (init: RequestInit, id: unknown): RequestInit => {
  const payment = decodeJson((init.headers as Record<string, string>)[HEADER] ?? "") as object;
  const extensions = { "payment-identifier": { info: { required: false, id } } };
  return withHeader(init, HEADER, encodeJson({ ...payment, extensions }));
};

describe("payment-identifier", () => {
  const pay = async (
    shop: { url: string },
    payer: Awaited<ReturnType<typeof newPayer>>,
    id: unknown = ID,
  ) => withId(await present(shop, "x402 v2", { payer }), id);

  test("is advertised as the specification has it", async () => {
    await using shop = await open();
    const offer = (await fetch(`${shop.url}/item/a`)).headers.get("PAYMENT-REQUIRED") ?? "";
    expect(decodeJson(offer)).toMatchObject({
      extensions: {
        "payment-identifier": {
          info: { required: false },
          schema: {
            $schema: "https://json-schema.org/draft/2020-12/schema",
            properties: { id: { type: "string", minLength: 16, maxLength: 128 } },
            required: ["required"],
          },
        },
      },
    });
  });

  test("with the same payment gets the stored answer with its receipt, with another one 409, and no charge", async () => {
    await using shop = await open();
    const payer = await newPayer();
    const paid = await pay(shop, payer);
    const first = await fetch(`${shop.url}/item/a`, paid);
    const again = await fetch(`${shop.url}/item/a`, paid);
    expect(await again.text()).toBe(await first.text());
    expect(again.headers.get("PAYMENT-RESPONSE")).toBe(first.headers.get("PAYMENT-RESPONSE"));
    const other = await fetch(`${shop.url}/item/a`, await pay(shop, payer));
    expect([other.status, await other.json()]).toMatchObject([
      409,
      { error: "payment_identifier_reused" },
    ]);
    expect([shop.runs.length, await spentBy(payer)]).toEqual([1, 10_000n]);
  });

  test.each(["x".repeat(15), "x".repeat(129), "x".repeat(16) + "!", "ä".repeat(16), 7, null])(
    "%j is none: 400, and no work",
    async (id) => {
      await using shop = await open();
      const payer = await newPayer();
      expect((await fetch(`${shop.url}/item/a`, await pay(shop, payer, id))).status).toBe(400);
      expect([shop.runs, await spentBy(payer)]).toEqual([[], 0n]);
    },
  );

  test("belongs to one payer at one paywall", async () => {
    const db = openDatabase(":memory:");
    await using shop = await open({ db });
    await using other = await open({ db, name: "other", payTo: shop.payTo });
    const payer = await newPayer();
    for (const paid of [await pay(shop, payer), await pay(shop, await newPayer())])
      expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(200);
    expect((await fetch(`${other.url}/item/a`, await pay(other, payer))).status).toBe(200);
  });
});

describe.each(PROTOCOLS)("Idempotency-Key in %s", (protocol) => {
  const pay = async (
    shop: { url: string },
    payer: Awaited<ReturnType<typeof newPayer>>,
    { key = "order-1", init = {} }: { key?: string; init?: RequestInit } = {},
  ) => withHeader(await present(shop, protocol, { payer, init }), "Idempotency-Key", key);
  const post = (body: string): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });

  test("fetches a lost answer with a payment that was signed anew, which is not taken", async () => {
    await using shop = await open();
    const payer = await newPayer();
    const first = await fetch(`${shop.url}/item/a`, await pay(shop, payer));
    const again = await fetch(`${shop.url}/item/a`, await pay(shop, payer));
    expect([again.status, await again.text()]).toEqual([200, await first.text()]);
    expect([shop.runs.length, await spentBy(payer)]).toEqual([1, 10_000n]);
  });

  test("of ten payments at once runs the handler once and takes one of them", async () => {
    await using shop = await open();
    const payer = await newPayer();
    const payments = await Promise.all(Array.from({ length: 10 }, () => pay(shop, payer)));
    const bodies = await Promise.all(
      payments.map(async (paid) => (await fetch(`${shop.url}/item/a`, paid)).text()),
    );
    expect(new Set(bodies)).toEqual(new Set(['{"item":"/item/a","run":1}']));
    expect([shop.runs.length, await spentBy(payer)]).toEqual([1, 10_000n]);
  });

  test("with another body is 422, and not charged", async () => {
    await using shop = await open();
    const payer = await newPayer();
    const buy = async (body: string) =>
      fetch(`${shop.url}/item/a`, await pay(shop, payer, { init: post(body) }));
    expect((await buy('{"n":1}')).status).toBe(200);
    const other = await buy('{"n":2}');
    expect([other.status, await other.json()]).toMatchObject([
      422,
      { error: "idempotency_key_reused" },
    ]);
    expect([shop.runs.length, await spentBy(payer)]).toEqual([1, 10_000n]);
  });

  test("is nobody else's: another payer buys, and who cannot sign for the payer is not answered", async () => {
    await using shop = await open();
    const payer = await newPayer();
    await fetch(`${shop.url}/item/a`, await pay(shop, payer));
    expect((await fetch(`${shop.url}/item/a`, await pay(shop, await newPayer()))).status).toBe(200);
    const thief = await newPayer();
    const posing = { ...thief, address: payer.address };
    const forged = await fetch(`${shop.url}/item/a`, await pay(shop, posing));
    expect([forged.status, shop.runs.length]).toEqual([402, 2]);
  });

  test.each(["", "a b", "x".repeat(256)])("%j is none: 400", async (key) => {
    await using shop = await open();
    const paid = await pay(shop, await newPayer(), { key });
    expect((await fetch(`${shop.url}/item/a`, paid)).status).toBe(400);
  });
});
