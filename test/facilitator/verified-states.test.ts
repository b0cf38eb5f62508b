/** A settlement right after its verification asks the chain nothing twice, and what has changed in between still ends as it should. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFacilitator } from "../../facilitator/index.ts";
import { newSmartWallet, sendCall, sign, transferCall } from "../support/chain.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  requestBody,
  settle,
  verify,
} from "./facilitator-world.ts";
import { openRpcDouble } from "./rpc-double.ts";

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** A facilitator with a clock of the test's own, how often it asked the chain about payers, what it sent and how often it signed. */
async function open() {
  const double = await openRpcDouble(world.chain.rpcUrl);
  const gas = await world.chain.newPayer(0n, 10n ** 18n);
  const own = { double, asked: 0, sent: 0, signed: 0, late: 0 };
  const account: typeof gas = {
    ...gas,
    sign(hash) {
      own.signed += 1;
      return gas.sign!(hash);
    },
  };
  double.set("eth_sendRawTransactionSync", async ({ forward, answer }) => {
    own.sent += 1;
    answer(await forward());
  });
  double.set("eth_call", async ({ forward, answer }) => {
    own.asked += 1;
    answer(await forward());
  });
  const opened = Date.now();
  const now = () => opened + own.late;
  const facilitator = createFacilitator({ rpcUrl: double.url, account, now });
  const close = async () => {
    facilitator.close();
    await double[Symbol.asyncDispose]();
  };
  return Object.assign(own, { facilitator, [Symbol.asyncDispose]: close });
}

test("what verifying has just read is good for one settlement", async () => {
  await using own = await open();
  const { authorization, body } = await newRequest(world);
  expect(await verify(own.facilitator, body)).toMatchObject({ isValid: true });
  const first = await settle(own.facilitator, body);
  expect(first).toMatchObject({ success: true });
  expect(own.asked).toBe(1);
  expect(await settle(own.facilitator, body)).toEqual(first);
  expect(own.asked).toBe(2);
  expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
});

test("what a payment alone would send is signed while it is verified, once the account's nonce is known", async () => {
  await using own = await open();
  const [first, second] = [await newRequest(world), await newRequest(world)];
  await verify(own.facilitator, first.body);
  expect(own.signed).toBe(0);
  await settle(own.facilitator, first.body);
  expect(own.signed).toBe(1);
  await verify(own.facilitator, second.body);
  expect([own.signed, own.sent]).toEqual([2, 1]);
  expect(await settle(own.facilitator, second.body)).toMatchObject({ success: true });
  expect([own.signed, own.sent]).toEqual([2, 2]);
  expect(await world.chain.chain.balanceOf(second.authorization.to)).toBe(10_000n);
});

test("what was signed for payments that are not settled never leaves, and however many there are, it is signed for one", async () => {
  await using own = await open();
  await settle(own.facilitator, (await newRequest(world)).body);
  const never = await newRequest(world);
  const forged = await newRequest(world, 2, { from: world.gas.address });
  for (const { body } of [never, forged, never]) await verify(own.facilitator, body);
  expect(own.signed).toBe(2);
  const other = await newRequest(world);
  expect(await settle(own.facilitator, other.body)).toMatchObject({ success: true });
  expect([own.signed, own.sent]).toEqual([3, 2]);
  expect(await world.chain.chain.balanceOf(never.authorization.to)).toBe(0n);
  expect(await world.chain.chain.balanceOf(other.authorization.to)).toBe(10_000n);
});

test("a fee that is too old is asked for once, while a payment is verified, and settling need not ask", async () => {
  await using own = await open();
  await settle(own.facilitator, (await newRequest(world)).body);
  own.late = 5_000;
  const { body } = await newRequest(world);
  const blocks: string[] = [];
  own.double.set("eth_getBlockByNumber", async ({ forward, answer }) => {
    blocks.push("asked");
    answer(await forward());
  });
  await verify(own.facilitator, body);
  await expect.poll(() => blocks).toHaveLength(1);
  expect(await settle(own.facilitator, body)).toMatchObject({ success: true });
  expect(blocks).toHaveLength(1);
});

test("nothing is signed ahead for payments that are verified together, or while one is settled", async () => {
  await using own = await open();
  await settle(own.facilitator, (await newRequest(world)).body);
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => newRequest(world)));
  await Promise.all([a, b].map((asked) => verify(own.facilitator, asked!.body)));
  expect(own.signed).toBe(1);
  await Promise.all([settle(own.facilitator, a!.body), verify(own.facilitator, c!.body)]);
  expect(own.signed).toBe(2);
});

test.each([
  ["after a while", 2_500],
  ["after its clock was set back", -60_000],
])("the chain is asked anew %s", async (_, late) => {
  await using own = await open();
  const { body } = await newRequest(world);
  await verify(own.facilitator, body);
  own.late = late;
  expect(await settle(own.facilitator, body)).toMatchObject({ success: true });
  expect(own.asked).toBe(2);
});

test("the chain is asked anew for a smart wallet, whose code may have changed its mind", async () => {
  await using own = await open();
  const from = await newSmartWallet(world.chain, 50_000n);
  const { authorization } = await newRequest(world, 2, { from });
  const { asset } = world.chain;
  const body = requestBody(2, { asset, authorization, signature: "0x42" });
  await verify(own.facilitator, body);
  await world.chain.rpc("anvil_setCode", from, "0x60006000fd");
  expect(await settle(own.facilitator, body)).toMatchObject({ success: false, transaction: "" });
});

test("another payment with the same nonce is not taken for the one that was verified", async () => {
  await using own = await open();
  const { authorization, body } = await newRequest(world);
  const { nonce, to } = authorization;
  const other = await newRequest(world, 2, { nonce, to, value: 20_000_000n });
  await verify(own.facilitator, body);
  expect(await settle(own.facilitator, other.body)).toMatchObject({
    errorReason: "insufficient_funds",
    transaction: "",
  });
});

test("what somebody else settled in between gets that transaction, and nothing moves twice", async () => {
  await using own = await open();
  const { authorization, body } = await newRequest(world);
  await verify(own.facilitator, body);
  const relayer = await world.chain.newPayer(0n, 10n ** 18n);
  const { asset } = world.chain;
  const data = transferCall(authorization, await sign(world.payer, asset, authorization));
  const { transactionHash } = await sendCall(world.chain, relayer, { to: asset.address, data });
  expect(await settle(own.facilitator, body)).toMatchObject({
    success: true,
    transaction: transactionHash,
  });
  expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
});

test("money that was spent in between is refused for want of it", async () => {
  await using own = await open();
  const payer = await world.chain.newPayer(10_000n);
  const two = await Promise.all([1, 2].map(() => newRequest({ ...world, payer })));
  for (const { body } of two) await verify(own.facilitator, body);
  expect(await settle(own.facilitator, two[0]!.body)).toMatchObject({ success: true });
  expect(await settle(own.facilitator, two[1]!.body)).toMatchObject({
    errorReason: "insufficient_funds",
  });
  expect(await world.chain.chain.balanceOf(payer.address)).toBe(0n);
});
