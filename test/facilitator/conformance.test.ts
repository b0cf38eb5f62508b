/**
 * What a facilitator owes under the conformance cases of settlement (SETL) and of the order of work (WORK): of the specification's
 * rules and the field's known faults, those that are its own and not the seller's.
 */
import * as fc from "fast-check";
import { type Hex, pad, type TransactionReceipt } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFacilitator, type SettleAnswer } from "../../facilitator/index.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  settle,
} from "./facilitator-world.ts";
import { openRpcDouble } from "./rpc-double.ts";

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const balanceOf = (address: Hex) => world.chain.chain.balanceOf(address);
const receiptOf = (hash: string) =>
  world.chain.chain.client.getTransactionReceipt({ hash: hash as Hex });

/** Where in a receipt's logs of the token an authorization's own use stands, and what comes right after it. */
function pairOf(receipt: TransactionReceipt, from: Hex, nonce: Hex) {
  const logs = receipt.logs.filter(({ address }) => isToken(address));
  const at = logs.findIndex(
    ({ topics }) => topics[1] === pad(from).toLowerCase() && topics[2] === nonce,
  );
  const transfer = logs[at + 1];
  return { at, to: transfer?.topics[2], value: transfer && BigInt(transfer.data) };
}
const isToken = (address: string) =>
  address.toLowerCase() === world.chain.asset.address.toLowerCase();

test.each([1, 2] as const)(
  "SETL-02, 03, 13: an answer of v%i names network, payer and amount as asked, and nothing else",
  async (version) => {
    const { authorization, body } = await newRequest(world, version);
    expect(await world.settle(body)).toEqual({
      success: true,
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      network: body.paymentRequirements.network,
      payer: authorization.from,
      amount: "10000",
    });
  },
);

test("SETL-04, 05, 06, 07: its transaction succeeded, used this nonce, and moved this amount to this payee once", async () => {
  const { authorization, body } = await newRequest(world);
  const { from, to, nonce } = authorization;
  const before = await balanceOf(from);
  const { transaction } = await world.settle(body);
  const receipt = await receiptOf(transaction);
  expect(receipt.status).toBe("success");
  expect(pairOf(receipt, from, nonce)).toEqual({ at: 0, to: pad(to), value: 10_000n });
  expect([before - (await balanceOf(from)), await balanceOf(to)]).toEqual([10_000n, 10_000n]);
});

test("SETL-10: a refusal is success false, with an empty transaction and a code", async () => {
  const poor = await world.chain.newPayer(1n);
  const { body } = await newRequest({ ...world, payer: poor });
  expect(await world.settle(body)).toMatchObject({
    success: false,
    transaction: "",
    network: "eip155:84532",
    errorReason: "insufficient_funds",
  });
});

test("SETL-11, 12: pending names its transaction and network, and the same payment later resolves", async () => {
  await using own = await openFacilitatorWorld();
  const hasty = { confirmationTimeoutMs: 100, syncTimeoutMs: 50 };
  const facilitator = createFacilitator({ rpcUrl: own.chain.rpcUrl, account: own.gas, ...hasty });
  await own.chain.rpc("evm_setAutomine", false);
  const { authorization, body } = await newRequest(own);
  const pending = await settle(facilitator, body);
  const { transaction } = pending;
  const network = "eip155:84532";
  expect(pending).toMatchObject({ success: false, errorReason: "settlement_pending", network });
  expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
  await own.chain.local.mine();
  expect(await settle(facilitator, body)).toMatchObject({ success: true, transaction });
  expect(await own.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  facilitator.close();
});

test("WORK-14: a facilitator whose chain was away goes on by itself, and settles what was asked once", async () => {
  await using double = await openRpcDouble(world.chain.rpcUrl);
  const account = await world.chain.newPayer(0n, 10n ** 18n);
  const facilitator = createFacilitator({ rpcUrl: double.url, account });
  double.set("eth_call", ({ response }) => void response.destroy());
  const requests = await Promise.all([1, 2, 3, 4].map(() => newRequest(world)));
  const ask = () => Promise.allSettled(requests.map(({ body }) => settle(facilitator, body)));
  const away = await ask();
  expect(away.map(({ status }) => status)).toEqual(requests.map(() => "rejected"));
  double.set("eth_call", undefined);
  const back = await ask();
  expect(back).toMatchObject(requests.map(() => ({ value: { success: true } })));
  for (const { authorization } of requests) expect(await balanceOf(authorization.to)).toBe(10_000n);
});

/** How a payment of a random batch is spoiled, and the reason by which it must be refused; a good one has none. */
const KINDS = {
  good: undefined,
  poor: "insufficient_funds",
  late: "invalid_exact_evm_payload_authorization_valid_before",
  early: "invalid_exact_evm_payload_authorization_valid_after",
  forged: "invalid_exact_evm_payload_signature",
} as const;
type Kind = keyof typeof KINDS;

async function spoil(kind: Kind, poor: FacilitatorWorld["payer"]) {
  const now = BigInt(Math.floor(Date.now() / 1000));
  if (kind === "poor") return newRequest({ ...world, payer: poor });
  if (kind === "late") return newRequest(world, 2, { validBefore: now - 60n });
  if (kind === "early") return newRequest(world, 2, { validAfter: now + 3_600n });
  const request = await newRequest(world);
  if (kind === "forged") {
    const { signature } = (await newRequest(world)).body.paymentPayload.payload;
    request.body.paymentPayload.payload.signature = signature;
  }
  return request;
}

test("SETL-08, 09: of any batch what settles is what is good, each by its own pair of events, and what is paid is what was answered", async () => {
  const poor = await world.chain.newPayer(9_999n);
  const kinds = fc.constantFrom<Kind>(...(Object.keys(KINDS) as Kind[]), "good", "good");
  const batch = fc.array(kinds, { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(batch, fc.nat(3), async (some, copies) => {
      const requests = await Promise.all(some.map((kind) => spoil(kind, poor)));
      const asked = [...requests, ...requests.slice(0, copies)];
      const before = await balanceOf(world.payer.address);
      const all = await Promise.all(asked.map(({ body }) => world.settle(body)));
      const answers = all.slice(0, some.length);
      // A copy gets the answer of the one that it is a copy of.
      expect(all.slice(some.length)).toEqual(all.slice(0, all.length - some.length));
      expect(answers.map(({ errorReason }) => errorReason)).toEqual(
        some.map((kind) => KINDS[kind]),
      );
      await expectOwnPairs(requests, answers);
      const settled = BigInt(answers.filter(({ success }) => success).length);
      expect(before - (await balanceOf(world.payer.address))).toBe(settled * 10_000n);
    }),
    { numRuns: 12 },
  );
});

/** Two payments of one batch share their transaction, but never the events that prove them. */
async function expectOwnPairs(
  requests: readonly Awaited<ReturnType<typeof newRequest>>[],
  answers: readonly SettleAnswer[],
) {
  const proofs = new Set<string>();
  let settled = 0;
  for (const [at, { authorization }] of requests.entries()) {
    const { from, to, nonce } = authorization;
    const answer = answers[at];
    expect(await balanceOf(to)).toBe(answer?.success === true ? 10_000n : 0n);
    if (answer?.success !== true) continue;
    settled += 1;
    const pair = pairOf(await receiptOf(answer.transaction), from, nonce);
    expect(pair).toMatchObject({ to: pad(to), value: 10_000n });
    proofs.add(`${answer.transaction} ${pair.at}`);
  }
  expect(proofs.size).toBe(settled);
}
