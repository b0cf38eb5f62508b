/**
 * What the wallet makes of a provider that fails after it was paid. The rule: from the moment the payment has left, only the
 * chain says whether the money moved; the same bytes may be sent again, and nothing is ever signed a second time.
 */
import type { Request, Response } from "express";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OutcomeReport } from "../../protocol/index.ts";
import { localWallet, remoteWallet, type WalletPort } from "../../middleware/index.ts";
import { decodeJson, encodeJson, Secret } from "../../protocol/index.ts";
import { buy, catalogOf, idOf, openBuyer, SCOPES, spentBy } from "./buyer.ts";
import { type HostileShopOptions, openHostileShop } from "./hostile-shop.ts";
import { type Market, openMarket } from "./shop.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => market.chain.chain.balanceOf(address);

/** Settles a payment at the real facilitator, as an honest server would. */
async function settle(payment: string): Promise<{ transaction: string }> {
  const paymentPayload = decodeJson(payment) as { accepted: unknown };
  const body = { x402Version: 2, paymentPayload, paymentRequirements: paymentPayload.accepted };
  const response = await fetch(`${market.facilitator.url}/settle`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return (await response.json()) as { transaction: string };
}

type Answer = (request: Request, response: Response) => void;
const drop: Answer = (_, response) => void response.destroy();
const hang: Answer = () => undefined;
const status =
  (code: number): Answer =>
  (_, response) =>
    void response.status(code).json({});
const half: Answer = (_, response) => {
  response.status(200).setHeader("content-length", "1000").write('{"ok":');
  setImmediate(() => response.destroy());
};
const redirect: Answer = (_, response) => response.redirect(307, "http://127.0.0.1:1/stolen");

/** A shop that settles (or not) and then answers as told; from the second payment on it delivers, unless it never does. */
const failing = (
  answer: Answer,
  { settles, always = false }: { settles: boolean; always?: boolean },
) => {
  let count = 0;
  return {
    async onPaid(request, response, payment) {
      count += 1;
      if (settles) await settle(payment);
      if (count > 1 && !always) response.json({ ok: true });
      else answer(request, response);
    },
  } satisfies HostileShopOptions;
};

const LOST: [string, Answer][] = [
  ["drops the connection", drop],
  ["hangs", hang],
  ["answers half", half],
  ["answers 500", status(500)],
  ["answers 503", status(503)],
  ["answers 402 again", status(402)],
  ["answers 409", status(409)],
];

test.each(LOST)(
  "a shop that settles and then %s is sent the same bytes again, and is paid once",
  async (_, answer) => {
    await using shop = await openHostileShop(failing(answer, { settles: true }));
    using buyer = await openBuyer(market.chain);
    const outcome = await buy({ buyer, catalog: catalogOf(shop), timeoutMs: 300 });
    expect(outcome).toMatchObject({ kind: "delivered", record: { state: "settled" } });
    expect(shop.payments).toHaveLength(2);
    expect(new Set(shop.payments).size).toBe(1);
    expect(await balanceOf(buyer.account.address)).toBe(990_000n);
    expect(await spentBy(buyer)).toEqual({ settled: 10_000n, reserved: 0n });
  },
);

test.each([...LOST, ["redirects", redirect] as [string, Answer]])(
  "a shop that settles and always %s ends as paid but undelivered",
  async (_, answer) => {
    await using shop = await openHostileShop(failing(answer, { settles: true, always: true }));
    using buyer = await openBuyer(market.chain);
    const outcome = await buy({ buyer, catalog: catalogOf(shop), timeoutMs: 200 });
    expect(outcome).toMatchObject({ kind: "undelivered", record: { state: "settled" } });
    expect(new Set(shop.payments).size).toBe(1);
    expect(await balanceOf(buyer.account.address)).toBe(990_000n);
  },
);

test.each([
  ...LOST,
  ["redirects", redirect] as [string, Answer],
  ["answers 403", status(403)] as [string, Answer],
])(
  "a shop that does not settle and always %s leaves the payment unknown, and counted",
  async (_, answer) => {
    await using shop = await openHostileShop(failing(answer, { settles: false, always: true }));
    using buyer = await openBuyer(market.chain);
    const outcome = await buy({ buyer, catalog: catalogOf(shop), timeoutMs: 200 });
    expect(outcome).toMatchObject({ kind: "unknown", record: { state: "unknown" } });
    expect(new Set(shop.payments).size).toBe(1);
    expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 10_000n });
    expect(buyer.events.at(-1)).toMatchObject({ type: "payment", state: "unknown" });
  },
);

test("a receipt for a transaction that does not exist is a claim, not a proof", async () => {
  const receipt = encodeJson({
    success: true,
    transaction: `0x${"99".repeat(32)}`,
    network: "eip155:84532",
  });
  const onPaid: HostileShopOptions["onPaid"] = (_, response) =>
    void response.setHeader("PAYMENT-RESPONSE", receipt).json({ ok: true });
  await using shop = await openHostileShop({ onPaid });
  using buyer = await openBuyer(market.chain);
  const outcome = await buy({ buyer, catalog: catalogOf(shop) });
  expect(outcome).toMatchObject({ kind: "delivered", record: { state: "claimed" } });
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 10_000n });
});

test("a receipt that names somebody else's transaction proves nothing", async () => {
  let stolen = "";
  const onPaid: HostileShopOptions["onPaid"] = async (_, response, payment) => {
    stolen ||= (await settle(payment)).transaction;
    const receipt = { success: true, transaction: stolen, network: "eip155:84532" };
    response.setHeader("PAYMENT-RESPONSE", encodeJson(receipt)).json({ ok: true });
  };
  await using shop = await openHostileShop({ onPaid });
  using buyer = await openBuyer(market.chain);
  await buy({ buyer, catalog: catalogOf(shop), item: "a" });
  const second = await buy({ buyer, catalog: catalogOf(shop), item: "b" });
  expect(second).toMatchObject({ kind: "delivered", record: { state: "claimed" } });
  expect(await spentBy(buyer)).toEqual({ settled: 10_000n, reserved: 10_000n });
});

test("a payment that was not used until its window closed is released on the chain's word, and the purchase can be made anew", async () => {
  let sells = false;
  await using shop = await openHostileShop({
    async onPaid(_, response, payment) {
      if (!sells) response.status(500).end();
      else response.json(await settle(payment));
    },
  });
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf(shop);
  await buy({ buyer, catalog });
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 10_000n });
  await market.chain.advance(200);
  const [open] = await buyer.wallet.recover();
  expect(open).toBeUndefined();
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 0n });
  expect(await buyer.wallet.find(idOf("a"))).toMatchObject({ state: "released" });
  sells = true;
  expect(await buy({ buyer, catalog })).toMatchObject({
    kind: "delivered",
    record: { state: "settled" },
  });
  expect(new Set(shop.payments).size).toBe(2);
  expect(await balanceOf(buyer.account.address)).toBe(990_000n);
});

test("asking again after the window closed finds out by itself that the first payment is dead, and pays a second", async () => {
  let sells = false;
  await using shop = await openHostileShop({
    async onPaid(_, response, payment) {
      if (!sells) response.status(402).end();
      else {
        const { transaction } = await settle(payment);
        if (transaction === "") response.status(402).end();
        else response.json({});
      }
    },
  });
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf(shop);
  await buy({ buyer, catalog });
  await market.chain.advance(200);
  sells = true;
  const outcome = await buy({ buyer, catalog });
  expect(outcome).toMatchObject({ kind: "delivered", record: { state: "settled" } });
  expect(await balanceOf(buyer.account.address)).toBe(990_000n);
  expect((await buyer.ledger.list()).map(({ state, proof }) => [state, proof])).toEqual([
    ["released", "EXPIRED"],
    ["settled", undefined],
  ]);
});

test("our own clock releases nothing: a payment stays counted while the chain has not passed its window", async () => {
  let now = Date.now();
  await using shop = await openHostileShop(failing(drop, { settles: false, always: true }));
  using buyer = await openBuyer(market.chain, { now: () => now });
  const catalog = catalogOf(shop);
  await buy({ buyer, catalog });
  now += 10_000_000;
  expect(await buyer.wallet.recover()).toMatchObject([{ state: "unknown" }]);
  expect(await buy({ buyer, catalog })).toMatchObject({ kind: "unknown" });
  expect(new Set(shop.payments).size).toBe(1);
});

test("the payment header goes to the shop alone: a redirect of the paid request is not followed", async () => {
  await using thief = await openHostileShop();
  await using shop = await openHostileShop({
    onPaid: (request, response) => response.redirect(307, thief.url + request.originalUrl),
  });
  using buyer = await openBuyer(market.chain);
  const outcome = await buy({ buyer, catalog: catalogOf(shop) });
  expect(outcome).toMatchObject({ kind: "unknown", status: 307 });
  expect([thief.payments, thief.unpaid()]).toEqual([[], 0]);
});

test("a wallet that cannot be asked costs nothing, and says so", async () => {
  await using shop = await openHostileShop();
  using buyer = await openBuyer(market.chain);
  const port = remoteWallet({ orchestratorUrl: "http://127.0.0.1:1", token: new Secret("t") });
  const outcome = await buy({ buyer, catalog: catalogOf(shop), port });
  expect(outcome).toMatchObject({ kind: "refused", error: { code: "WALLET_UNREACHABLE" } });
  expect(shop.payments).toEqual([]);
});

test("a wallet that goes away after it has paid leaves the outcome unknown, never refused", async () => {
  await using shop = await openHostileShop(failing(status(500), { settles: true, always: true }));
  using buyer = await openBuyer(market.chain);
  const catalog = catalogOf(shop);
  const real = localWallet({
    wallet: buyer.wallet,
    catalog,
    project: "p",
    scopesFor: () => SCOPES,
  });
  const gone = remoteWallet({ orchestratorUrl: "http://127.0.0.1:1", token: new Secret("t") });
  const port: WalletPort = {
    ...real,
    report: (id: string, outcome: OutcomeReport) => gone.report(id, outcome),
  };
  const outcome = await buy({ buyer, catalog, port });
  expect(outcome).toMatchObject({ kind: "unknown", status: 500 });
  expect(await buyer.wallet.recover()).toEqual([]);
  expect(await spentBy(buyer)).toEqual({ settled: 10_000n, reserved: 0n });
});
