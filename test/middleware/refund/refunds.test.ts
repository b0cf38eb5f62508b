/** Money that goes back: once, whole, and from its record through whatever happens on the way. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { REFUND_SIGNER_LIMITS, refundKey } from "../../../middleware/refund/refund.ts";
import {
  accountSigner,
  type Signer,
  type SignIntent,
  startSignerProcess,
} from "../../../middleware/signer/index.ts";
import { openDatabase } from "../../../store/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { type FaultyFacilitator, openFaultyFacilitator } from "../faulty-facilitator.ts";
import { type Market, openMarket } from "../shop.ts";
import { held, newSale, openRefundDesk } from "./refund-desk.ts";

let market: Market;
let faulty: FaultyFacilitator;
beforeAll(async () => {
  market = await openMarket();
  faulty = await openFaultyFacilitator(market.facilitator.url);
});
afterAll(async () => {
  await faulty[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

test("what was paid goes back to the payer on the chain, whole, and the record links both transactions", async () => {
  using desk = await openRefundDesk(market);
  const sale = newSale();
  const refund = await desk.refunds.refund(sale);
  expect(refund).toMatchObject({ state: "settled", sale: { transaction: sale.transaction } });
  expect(await held(market, sale.payer)).toBe(10_000n);
  expect(await held(market, desk.account.address)).toBe(990_000n);
  const { from, to, value, nonce, validBefore } = refund.authorization;
  const proof = await market.chain.chain.readAuthorization(
    { from, to, value, nonce, validBefore },
    { transaction: refund.transaction },
  );
  expect(proof).toMatchObject({ state: "settled", transaction: refund.transaction });
  expect(desk.events).toEqual([
    {
      event: "refund-settled",
      payer: sale.payer,
      amount: "10000",
      sale: sale.transaction,
      transaction: refund.transaction,
    },
  ]);
});

test("asked ten times at once and again later, the money goes back once", async () => {
  using desk = await openRefundDesk(market);
  const sale = newSale();
  const all = await Promise.all(Array.from({ length: 10 }, () => desk.refunds.refund(sale)));
  all.push(await desk.refunds.refund(sale));
  expect(new Set(all.map(({ transaction }) => transaction)).size).toBe(1);
  expect(await held(market, sale.payer)).toBe(10_000n);
  expect(desk.events).toHaveLength(1);
});

test("two processes of one seller refund a sale once, and both know the transaction", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/shop.sqlite`;
  const account = await market.chain.newPayer(1_000_000n);
  using one = await openRefundDesk(market, { db: openDatabase(path), account });
  using other = await openRefundDesk(market, { db: openDatabase(path), account });
  const sales = Array.from({ length: 5 }, () => newSale());
  const both = await Promise.all(
    [one, other].map(({ refunds }) => Promise.all(sales.map((sale) => refunds.refund(sale)))),
  );
  expect(both[0]?.map(({ transaction }) => transaction)).toEqual(
    both[1]?.map(({ transaction }) => transaction),
  );
  expect(await held(market, account.address)).toBe(950_000n);
});

test("two sales of one payer's, and one nonce of two payers', are different refunds", async () => {
  using desk = await openRefundDesk(market);
  const first = newSale();
  const second = newSale({ payer: first.payer });
  const third = newSale({ nonce: first.nonce });
  for (const sale of [first, second, third]) await desk.refunds.refund(sale);
  expect(await held(market, first.payer)).toBe(20_000n);
  expect(await held(market, third.payer)).toBe(10_000n);
});

test("an account that has run dry leaves it owed and says so; topped up, it pays the same bytes", async () => {
  using desk = await openRefundDesk(market, { usdc: 9_999n });
  const sale = newSale();
  const owed = await desk.refunds.refund(sale);
  expect(owed).toMatchObject({ state: "sent", reason: "insufficient_funds" });
  expect(desk.events).toMatchObject([{ event: "refund-owed", reason: "insufficient_funds" }]);
  expect(await held(market, sale.payer)).toBe(0n);
  expect(await desk.refunds.recover()).toBe(1);

  await market.chain.local.fund(desk.account.address, { usdc: 1n });
  expect(await desk.refunds.recover()).toBe(0);
  const paid = desk.refunds.find(sale);
  expect(paid).toMatchObject({ state: "settled", signature: owed.signature, reason: undefined });
  expect(await held(market, sale.payer)).toBe(10_000n);
});

test.each([
  ["lose-answer", 10_000n],
  ["say-pending", 10_000n],
  ["hang", 10_000n],
  ["drop", 0n],
] as const)(
  "a facilitator that fails (%s) leaves it unknown, and the same bytes again end it once",
  async (fault, moved) => {
    using desk = await openRefundDesk(market, {
      facilitator: faulty.url,
      facilitatorTimeoutMs: 1_500,
    });
    const sale = newSale();
    faulty.fault = fault;
    const unknown = await desk.refunds.refund(sale).finally(() => (faulty.fault = undefined));
    expect(unknown.state).toBe("sent");
    expect(await held(market, sale.payer)).toBe(moved);
    expect(await desk.refunds.recover()).toBe(0);
    expect(desk.refunds.find(sale)?.signature).toBe(unknown.signature);
    expect(await held(market, sale.payer)).toBe(10_000n);
  },
);

test("a signer that refuses leaves it owed, with the signer's word; it is asked for the same terms again", async () => {
  const intents: SignIntent[] = [];
  const account = await market.chain.newPayer(1_000_000n);
  const able = accountSigner(account, { limits: REFUND_SIGNER_LIMITS });
  const unable = accountSigner(account, { limits: { ...REFUND_SIGNER_LIMITS, maxPerCall: 1n } });
  let signer: Signer = unable;
  using desk = await openRefundDesk(market, {
    account,
    signer: {
      address: account.address,
      sign: (intent) => {
        intents.push(intent);
        return signer.sign(intent);
      },
    },
  });
  const sale = newSale();
  expect(await desk.refunds.refund(sale)).toMatchObject({
    state: "owed",
    reason: "SIGNER_REFUSED",
  });
  signer = able;
  expect(await desk.refunds.recover()).toBe(0);
  expect(intents[1]).toEqual(intents[0]);
  expect(await held(market, sale.payer)).toBe(10_000n);
});

test("a new refund account pays what the old one never signed, and leaves what it signed to it", async () => {
  const db = openDatabase(":memory:");
  const [old, next] = [newSale(), newSale()];
  const unsigned = newSale();
  const dry = await openRefundDesk(market, { db, usdc: 0n });
  await dry.refunds.refund(old);
  const silent = accountSigner(dry.account, { limits: { maxPerCall: 1n } });
  const refusing = await openRefundDesk(market, { db, account: dry.account, signer: silent });
  await refusing.refunds.refund(unsigned);

  using desk = await openRefundDesk(market, { db });
  await desk.refunds.refund(next);
  expect(await desk.refunds.recover()).toBe(1);
  expect(desk.refunds.find(unsigned)).toMatchObject({
    state: "settled",
    authorization: { from: desk.account.address },
  });
  expect(desk.refunds.find(old)).toMatchObject({
    state: "sent",
    authorization: { from: dry.account.address },
  });
  await market.chain.local.fund(dry.account.address, { usdc: 10_000n });
  expect(await desk.refunds.recover()).toBe(0);
  expect(await held(market, old.payer)).toBe(10_000n);
});

test("many owed refunds are paid together, in few transactions", async () => {
  using desk = await openRefundDesk(market, { usdc: 0n });
  const sales = Array.from({ length: 40 }, () => newSale());
  await Promise.all(sales.map((sale) => desk.refunds.refund(sale)));
  await market.chain.local.fund(desk.account.address, { usdc: 400_000n });
  expect(await desk.refunds.recover()).toBe(0);
  const transactions = new Set(sales.map((sale) => desk.refunds.find(sale)?.transaction));
  expect(transactions.size).toBeLessThan(20);
  expect(await held(market, desk.account.address)).toBe(0n);
});

test("with the key in a signer process, which is told no more than what is owed to whom", async () => {
  using folder = temporaryFolder();
  await using signer = await startSignerProcess({
    keyFile: `${folder.path}/refunds.key`,
    limits: { ...REFUND_SIGNER_LIMITS, maxPerMonth: 15_000n },
  });
  await market.chain.local.fund(signer.address, { usdc: 1_000_000n });
  using desk = await openRefundDesk(market, { signer });
  const [first, second] = [newSale(), newSale()];
  expect((await desk.refunds.refund(first)).state).toBe("settled");
  // Whatever this process says, the signer draws no more than its own limit.
  const over = await desk.refunds.refund(second);
  expect(over).toMatchObject({ state: "owed", reason: "SIGNER_REFUSED" });
  expect(await held(market, signer.address)).toBe(990_000n);
});

test("no event and no error names a signature", async () => {
  using desk = await openRefundDesk(market, { usdc: 0n });
  const sale = newSale();
  const { signature } = await desk.refunds.refund(sale);
  expect(signature).toMatch(/^0x[0-9a-f]{130}$/);
  expect(JSON.stringify(desk.events)).not.toContain(signature);
  expect(refundKey(sale)).toBe(`${sale.payer}/${sale.nonce}`.toLowerCase());
});
