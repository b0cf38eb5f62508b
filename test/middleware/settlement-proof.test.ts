/** What ends a payment that may be out: the chain's proof, and nothing else that anybody says. */
import { expect, test } from "vitest";
import { ChainError, type AuthorizationProof } from "../../chain/index.ts";
import { Secret } from "../../protocol/index.ts";
import { EXPIRED, openChainless, SETTLED, TX, UNUSED } from "./chainless-wallet.ts";

const OTHER_TX = `0x${"cd".repeat(32)}` as const;
const block = { transaction: TX, blockNumber: 1n };
const unreachable = new ChainError("CHAIN_UNREACHABLE", { problem: "away", nextStep: "wait" });
const keep = new Secret("the request");

test.each<[string, AuthorizationProof | Error, string, string | undefined]>([
  ["that it was used as signed", SETTLED, "settled", undefined],
  ["that it can never be used", EXPIRED, "released", "EXPIRED"],
  [
    "that it is cancelled for good",
    { state: "cancelled", ...block, finalized: true },
    "released",
    "CANCELLED",
  ],
  [
    "that it is cancelled, in a block that may be taken back",
    { state: "cancelled", ...block, finalized: false },
    "unknown",
    undefined,
  ],
  [
    "that it was used for another transfer",
    { state: "used_otherwise", ...block },
    "unknown",
    undefined,
  ],
  ["that it is unused", UNUSED, "unknown", undefined],
  ["nothing, because it cannot be read", unreachable, "unknown", undefined],
])("where the chain says %s, it is so recorded", async (_, proof, state, reason) => {
  using chainless = openChainless();
  await chainless.pay({ keep });
  chainless.saying.proof = proof;
  const record = await chainless.wallet.report("p1", { status: 500 });
  expect(record.state).toBe(state);
  expect(record.transaction).toBe(state === "settled" ? TX : undefined);
  const [entry] = await chainless.ledger.list();
  expect([entry?.state, entry?.proof]).toEqual([state, reason]);
  const counts = state === "released" ? 0n : 10_000n;
  const { settled, reserved } = await chainless.spent();
  expect([settled, reserved]).toEqual(state === "settled" ? [counts, 0n] : [0n, counts]);
});

test("a bug in reading the chain is seen, and changes nothing", async () => {
  using chainless = openChainless();
  await chainless.pay();
  chainless.saying.proof = new TypeError("a bug");
  await expect(chainless.wallet.report("p1", { status: 500 })).rejects.toThrow("a bug");
  expect((await chainless.ledger.find("p1"))?.state).toBe("sent");
});

test("the chain is asked about the very authorization, and first where the server or an earlier answer says that it is", async () => {
  using chainless = openChainless();
  await chainless.pay();
  const { payTo: to, amount: value, nonce, validBefore } = (await chainless.ledger.find("p1"))!;
  const authorization = { from: chainless.wallet.address, to, value, nonce, validBefore };
  await chainless.wallet.report("p1", { status: 500 });
  await chainless.wallet.report("p1", { status: 200, transaction: TX });
  await chainless.wallet.recover();
  await chainless.wallet.report("p1", { status: 200, transaction: OTHER_TX });
  expect(chainless.saying.asked).toEqual(
    [undefined, TX, TX, OTHER_TX].map((transaction) => ({ authorization, transaction })),
  );
});

test("what a server claims stays claimed, whatever it says next, and is no unknown payment", async () => {
  using chainless = openChainless();
  await chainless.pay();
  await chainless.wallet.report("p1", { status: 200, transaction: TX });
  const record = await chainless.wallet.report("p1", { status: 500 });
  expect([record.state, record.transaction]).toEqual(["claimed", TX]);
});

test("an answer that says nothing new is no news: the trace is told of changes alone", async () => {
  using chainless = openChainless();
  await chainless.pay();
  for (const status of [500, null, 500]) await chainless.wallet.report("p1", { status });
  chainless.saying.proof = SETTLED;
  await chainless.wallet.recover();
  await chainless.wallet.report("p1", { status: 200 });
  expect(chainless.events).toMatchObject(
    ["sent", "unknown", "settled"].map((state) => ({ type: "payment", purchase: "p1", state })),
  );
});

test.each<[string, AuthorizationProof, number, boolean]>([
  ["before the chain has it", UNUSED, 200, true],
  ["when the chain has it", SETTLED, 299, true],
  ["with an error", UNUSED, 300, false],
  ["with what is no answer", UNUSED, 199, false],
])("a request is kept until its answer is delivered: %s", async (_, proof, status, forgotten) => {
  using chainless = openChainless();
  await chainless.pay({ keep });
  expect((await chainless.wallet.listKept("p1"))[0]?.request.reveal()).toBe("the request");
  chainless.saying.proof = proof;
  await chainless.wallet.report("p1", { status });
  expect(await chainless.wallet.listKept()).toHaveLength(forgotten ? 0 : 1);
});

test("also where the answer comes after the chain's", async () => {
  using chainless = openChainless();
  await chainless.pay({ keep });
  chainless.saying.proof = SETTLED;
  await chainless.wallet.recover();
  await chainless.wallet.report("p1", { status: 404 });
  await chainless.wallet.report("p1", { status: null });
  expect(await chainless.wallet.listKept()).toHaveLength(1);
  await chainless.wallet.report("p1", { status: 204 });
  expect(await chainless.wallet.listKept()).toEqual([]);
});

test("an answer that recovery has fetched is kept for the next call", async () => {
  using chainless = openChainless();
  await chainless.pay({ keep });
  await chainless.wallet.keepAnswer("p1", new Secret("the answer"));
  expect((await chainless.wallet.listKept("p1"))[0]?.answer?.reveal()).toBe("the answer");
});

test.each<[string, AuthorizationProof, number]>([
  ["expired has shown that its clock is ahead, and is asked what it is", EXPIRED, 2],
  [
    "was cancelled has shown nothing of its clock",
    { state: "cancelled", ...block, finalized: true },
    1,
  ],
])("a chain whose payment %s", async (_, proof, timed) => {
  using chainless = openChainless();
  await chainless.pay();
  chainless.saying.proof = proof;
  await chainless.wallet.recover();
  await chainless.pay({ purchase: "p2" });
  expect(chainless.saying.timed).toBe(timed);
});

test("recovery that leaves a young payment to its caller settles it where the chain has, and calls it nothing else", async () => {
  using chainless = openChainless();
  await chainless.pay();
  const young = async () =>
    (await chainless.wallet.recover({ graceMs: 1 })).map(({ state }) => state);
  expect(await young()).toEqual(["sent"]);
  chainless.saying.proof = SETTLED;
  expect(await young()).toEqual([]);
  expect((await chainless.wallet.find("p1"))?.state).toBe("settled");
});
