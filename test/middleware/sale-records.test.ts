/** The paywall's memory: what two of a seller's processes may do to one sale. */
import { getAddress } from "viem";
import { expect, test } from "vitest";
import { type SaleRecord, saleKey, SaleRecords } from "../../middleware/paywall/sale-records.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { openDatabase } from "../../store/index.ts";

const record: SaleRecord<{ item: string }> = {
  state: "working",
  name: "items",
  digest: "d",
  fingerprint: "f",
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
  x402Version: 2,
  payload: { signature: "0x" },
  delivered: undefined,
};
const key = saleKey(record.sale);
const delivered = { answer: { status: 201, body: { item: "a" } }, receipt: "r" };

function openRecords() {
  const db = openDatabase(":memory:");
  return { db, records: new SaleRecords<{ item: string }>(db, () => 1_000) };
}

test("a sale is read as it was written, to the unit", () => {
  const { records } = openRecords();
  expect(records.claim(key, record)).toEqual(record);
  expect(records.find(key)).toEqual(record);
});

test("an authorization is claimed once; the second is shown who has it", () => {
  const { records } = openRecords();
  records.claim(key, record);
  expect(records.claim(key, { ...record, fingerprint: "other" }).fingerprint).toBe("f");
});

test("a settled sale is delivered once, however many settle it", () => {
  const { records } = openRecords();
  records.claim(key, record);
  let deliveries = 0;
  const deliver = () => {
    deliveries += 1;
    return delivered;
  };
  expect(records.settle(key, "0x01", deliver)).toEqual(delivered);
  expect(records.settle(key, "0x02", deliver)).toEqual(delivered);
  expect(deliveries).toBe(1);
  expect(records.find(key)).toMatchObject({ state: "settled", delivered, payload: {} });
});

test("a delivery that fails leaves the sale as it was, and nothing of what it wrote", () => {
  const { db, records } = openRecords();
  db.exec("CREATE TABLE domain (name TEXT)");
  records.claim(key, record);
  records.markWorked(key);
  const fail = () => {
    db.run("INSERT INTO domain VALUES ('a')");
    throw new Error("disk full");
  };
  expect(() => records.settle(key, "0x01", fail)).toThrow("disk full");
  expect(records.find(key)?.state).toBe("worked");
  expect(db.query("SELECT * FROM domain").all()).toEqual([]);
});

test("what is worked on or paid for cannot be dropped", () => {
  const { records } = openRecords();
  records.claim(key, record);
  records.markWorked(key);
  records.drop(key);
  expect(records.find(key)?.state).toBe("worked");
  expect(records.listOpen("items")).toEqual([key]);
  expect(records.listOpen("others")).toEqual([]);
});
