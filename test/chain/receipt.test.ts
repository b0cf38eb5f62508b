/** What an RPC server writes is a stranger's text: what is not the receipt that was asked for proves nothing. */
import { expect, test } from "vitest";
import { receiptReader } from "../../chain/receipt.ts";

const HASH = `0x${"ab".repeat(32)}` as const;
const LOG = { address: `0x${"11".repeat(20)}`, topics: [HASH], data: "0x" };
const RECEIPT = { transactionHash: HASH, blockNumber: "0x10", logs: [LOG], status: "0x1" };

const read = (raw: unknown) => receiptReader({ request: async () => raw })(HASH);

test("a receipt is read as far as it counts", async () => {
  expect(await read(RECEIPT)).toEqual({ transactionHash: HASH, blockNumber: 16n, logs: [LOG] });
});

test("a transaction that has none has none", async () => {
  expect(await read(null)).toBeUndefined();
});

test.for<[string, unknown]>([
  ["a text", "0x1"],
  ["an object that is none", {}],
  ["another transaction's", { ...RECEIPT, transactionHash: `0x${"cd".repeat(32)}` }],
  ["one without a hash", { ...RECEIPT, transactionHash: "0xab" }],
  ["one without its block", { ...RECEIPT, blockNumber: null }],
  ["one whose block is a number", { ...RECEIPT, blockNumber: 16 }],
  ["one whose block is no number", { ...RECEIPT, blockNumber: "16" }],
  ["one without logs", { ...RECEIPT, logs: undefined }],
  ["one with a log that is none", { ...RECEIPT, logs: [LOG, null] }],
  ["one with a log without an address", { ...RECEIPT, logs: [{ ...LOG, address: undefined }] }],
  ["one with a log without data", { ...RECEIPT, logs: [{ ...LOG, data: 1 }] }],
  ["one with a topic that is no text", { ...RECEIPT, logs: [{ ...LOG, topics: [1] }] }],
  ["one without topics", { ...RECEIPT, logs: [{ ...LOG, topics: "0x" }] }],
])("%s proves nothing", async ([, raw]) => {
  await expect(read(raw)).rejects.toMatchObject({ code: "CHAIN_UNREACHABLE" });
});
