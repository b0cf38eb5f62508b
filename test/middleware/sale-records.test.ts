/** The paywall's memory: what two of a seller's processes may do to one sale. */
import { getAddress } from "viem";
import { expect, test } from "vitest";
import { Owner } from "../../middleware/paywall/sale-owner.ts";
import { type SaleRecord, saleKey } from "../../middleware/paywall/sale-record.ts";
import { SaleRecords } from "../../middleware/paywall/sale-records.ts";
import { STEPS } from "../../middleware/paywall/sale-schema.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { migrate, openDatabase } from "../../store/index.ts";

const NOW = 1_000;
const record: SaleRecord<{ item: string }> = {
  state: "working",
  name: "items",
  digest: "d",
  fingerprint: "f",
  buyerKey: undefined,
  sale: {
    order: { item: "a" },
    payer: getAddress(`0x${"aa".repeat(20)}`),
    nonce: `0x${"11".repeat(32)}`,
    amount: 9_007_199_254_740_993n,
    asset: BASE_SEPOLIA_USDC,
    payTo: getAddress(`0x${"bb".repeat(20)}`),
    validBefore: 2_000_000_000n,
  },
  description: "One a",
  asked: { method: "POST", resource: "http://shop.example/items", maxTimeoutSeconds: 60 },
  protocol: "x402v2",
  payload: { signature: "0x" },
  receipt: undefined,
  answer: undefined,
  at: NOW,
};
const key = saleKey(record.sale);
const other = saleKey({ ...record.sale, nonce: `0x${"22".repeat(32)}` });
const answer = { status: 201, headers: {}, text: '{"item":"a"}' };
const told = {
  transaction: "0x01",
  response: { success: true, transaction: "0x01" },
} as const;

function openRecords() {
  const db = openDatabase(":memory:");
  const records = new SaleRecords<{ item: string }>(db, () => NOW);
  const owner = new Owner(db, () => NOW);
  const claim = (at = key, claimed = record) =>
    records.claim(at, claimed, { owner, allow: () => undefined, sync: true });
  return { db, records, owner, claim };
}

test("a sale is read as it was written, to the unit", async () => {
  const { records, claim } = openRecords();
  expect(await claim()).toBeUndefined();
  const { owner, transaction, refused, ...read } = records.find(key)!;
  expect(read).toEqual(record);
  expect([owner?.until, transaction, refused]).toEqual([NOW + 15_000, undefined, false]);
});

test("a sale in a token that is in no table is read again, also by a program that has never heard of it", async () => {
  const { records, claim } = openRecords();
  const asset = { ...BASE_SEPOLIA_USDC, address: `0x${"5a".repeat(20)}`, decimals: 18 } as const;
  await claim(key, { ...record, sale: { ...record.sale, asset } });
  expect(records.find(key)?.sale.asset).toEqual(asset);
});

test("an authorization is claimed once; the second is shown who has it", async () => {
  const { claim } = openRecords();
  await claim();
  const second = await claim(key, { ...record, fingerprint: "other" });
  expect(second).toMatchObject({ taken: { fingerprint: "f" } });
});

test("a payer's key is claimed once at a paywall, also by claims of one commit", async () => {
  const { claim } = openRecords();
  const named = { ...record, buyerKey: "idempotency-key:k" };
  const both = await Promise.all([claim(key, named), claim(other, named)]);
  expect(both).toMatchObject([undefined, { taken: { digest: "d" } }]);
});

test("a claim that the seller does not allow leaves nothing behind", async () => {
  const { records, owner } = openRecords();
  const claim = await records.claim(key, record, {
    owner,
    allow: () => "over the cap",
    sync: true,
  });
  expect([claim, records.find(key)]).toEqual([{ refused: "over the cap" }, undefined]);
});

test("a settled sale is delivered once, however many settle it", async () => {
  const { records, claim } = openRecords();
  await claim();
  let deliveries = 0;
  const deliver = () => {
    deliveries += 1;
    return answer;
  };
  const delivered = { answer, receipt: told.response, at: NOW };
  const all = await Promise.all([1, 2].map(() => records.settle(key, deliver, { told })));
  expect(all).toEqual([delivered, delivered]);
  expect(deliveries).toBe(1);
  expect(records.find(key)).toMatchObject({ state: "settled", answer, payload: {} });
});

test("what was paid before its work keeps its transaction and its time, and gets the answer of the work", async () => {
  const { records, claim } = openRecords();
  await claim();
  await records.markPaid(key, told.transaction, told.response);
  const delivered = await records.settle(key, (kept) => kept ?? answer);
  expect(delivered).toEqual({ answer, receipt: told.response, at: NOW });
  const { transaction } = told;
  expect(records.find(key)).toMatchObject({ state: "settled", answer, transaction });
});

test("an answer that was kept with the work is the one that is delivered, and kept", async () => {
  const { records, claim } = openRecords();
  await claim();
  await records.markWorked(key, answer, { sync: true });
  const delivered = await records.settle(key, (kept) => kept!, { told });
  expect(delivered.answer).toEqual(answer);
  expect(records.find(key)).toMatchObject({ state: "settled", answer });
});

test("a delivery that fails leaves the sale as it was, and nothing of what it wrote", async () => {
  const { db, records, claim } = openRecords();
  db.exec("CREATE TABLE domain (name TEXT)");
  await claim();
  await records.markWorked(key, undefined, { sync: true });
  const fail = () => {
    db.run("INSERT INTO domain VALUES ('a')");
    throw new Error("disk full");
  };
  await expect(records.settle(key, fail, { told })).rejects.toThrow("disk full");
  expect(records.find(key)?.state).toBe("worked");
  expect(db.query("SELECT * FROM domain").all()).toEqual([]);
});

test("what is worked on or paid for cannot be dropped", async () => {
  const { records, claim } = openRecords();
  await claim();
  await records.markWorked(key, answer, { sync: true });
  await records.drop(key);
  expect(records.find(key)?.state).toBe("worked");
  expect(records.listOpen("items")).toEqual([key]);
  expect(records.listOpen("others")).toEqual([]);
});

test("one process at a time works on a sale: another takes it over when it is let go, silent, or dead", async () => {
  const { db, records, owner, claim } = openRecords();
  let now = NOW;
  const second = new Owner(db, () => now);
  await claim();
  const isElsewhere = () => second.isElsewhere(records.find(key)!);
  expect(isElsewhere()).toBe(true);
  owner.release(key);
  expect(isElsewhere()).toBe(false);
  const stale = records.find(key)!;
  expect([second.take(key, stale), owner.take(key, stale)]).toEqual([true, false]);
  expect(owner.isElsewhere(records.find(key)!)).toBe(true);
  now += 15_001;
  expect(new Owner(db, () => now).isElsewhere(records.find(key)!)).toBe(false);
  const [machine] = owner.id.split("/");
  const dead = { ...stale, owner: { id: `${machine}/999999999/x`, until: now + 1_000 } };
  expect(second.isElsewhere(dead)).toBe(false);
});

test("sales of the first version of the table are there in the second", () => {
  const db = openDatabase(":memory:");
  migrate(db, "paywall", STEPS.slice(0, 1));
  const { payer, nonce, payTo } = record.sale;
  const facts = {
    order: { item: "a" },
    payer,
    nonce,
    amount: "10000",
    validBefore: "2000000000",
    network: BASE_SEPOLIA_USDC.network,
    asset: BASE_SEPOLIA_USDC.address,
    payTo,
    description: "One a",
    asked: record.asked,
    x402Version: 1,
  };
  const delivered = { answer: { status: 201, body: { item: "a" } }, receipt: "e30=" };
  db.run(
    `INSERT INTO paywall_sale (key, name, state, digest, fingerprint, facts, payload, tx, delivered, at)
      VALUES (?, 'items', 'settled', 'd', 'f', ?, '{}', '0x01', ?, 5)`,
    key,
    JSON.stringify(facts),
    JSON.stringify(delivered),
  );
  const records = new SaleRecords(db, () => NOW);
  expect(records.find(key)).toMatchObject({
    state: "settled",
    protocol: "x402v1",
    sale: { amount: 10_000n },
    answer: { status: 201, text: '{"item":"a"}' },
    receipt: told.response,
  });
});

test("nothing of a row is lost when the table gets row ids, and a buyer's key still buys once", async () => {
  const db = openDatabase(":memory:");
  migrate(db, "paywall", STEPS.slice(0, 4));
  const { payer, nonce, asset, payTo, validBefore } = record.sale;
  const facts = {
    order: { item: "a" },
    payer,
    nonce,
    amount: "7",
    validBefore: `${validBefore}`,
    payTo,
    network: asset.network,
    asset: asset.address,
    description: "One a",
    asked: record.asked,
    protocol: "x402v2",
  };
  const row = {
    key,
    name: "items",
    state: "paid",
    digest: "d",
    fingerprint: "f",
    payer: payer.toLowerCase(),
    asset: `${asset.network}/${asset.address}`.toLowerCase(),
    amount: "7",
    month: "2026-11",
    buyer_key: "mine",
    owner: "somebody",
    lease: 16_000,
    refused: 1,
    facts: JSON.stringify(facts),
    payload: '{"signature":"0x"}',
    tx: "0x01",
    receipt: JSON.stringify(told.response),
    answer: JSON.stringify(answer),
    at: 5,
  };
  const columns = Object.keys(row);
  const marks = columns.map(() => "?").join(", ");
  db.run(
    `INSERT INTO paywall_sale (${columns.join(", ")}) VALUES (${marks})`,
    ...Object.values(row),
  );
  const records = new SaleRecords<{ item: string }>(db, () => NOW);
  const { id, ...kept } = db
    .query<typeof row & { id: number }>("SELECT * FROM paywall_sale")
    .get()!;
  expect([id, kept]).toEqual([1, row]);
  const owner = new Owner(db, () => NOW);
  const again = { ...record, buyerKey: "mine" };
  const claim = await records.claim(other, again, { owner, allow: () => undefined, sync: true });
  expect(claim).toMatchObject({ taken: { state: "paid", buyerKey: "mine" } });
});
