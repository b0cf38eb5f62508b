/** One authorization, one payment: however often, by however many, and across whatever failures it is asked for. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator, type SettleAnswer, startFacilitator } from "../../facilitator/index.ts";
import { sendCall, sign, transferCall } from "../support/chain.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  settle,
} from "./facilitator-world.ts";

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => world.chain.chain.balanceOf(address);
const rpcUrl = () => world.chain.rpcUrl;

describe("the same payment again", () => {
  test("gets the same answer, at once and later", async () => {
    const { authorization, body } = await newRequest(world);
    const answers = await Promise.all(Array.from({ length: 6 }, () => world.settle(body)));
    answers.push(await world.settle(body));
    expect(answers[0]).toMatchObject({ success: true });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await balanceOf(authorization.to)).toBe(10_000n);
  });

  test("gets the same answer from a facilitator that was started again", async () => {
    const { body } = await newRequest(world);
    const first = await world.settle(body);
    const again = createFacilitator({ rpcUrl: rpcUrl(), account: world.gas });
    expect(await settle(again, body)).toEqual(first);
  });

  test("gets the same answer after it has expired", async () => {
    const { body } = await newRequest(world);
    const first = await world.settle(body);
    const now = () => Date.now() + 3_600_000;
    const later = createFacilitator({ rpcUrl: rpcUrl(), account: world.gas, now });
    expect(await settle(later, body)).toEqual(first);
  });

  test("gets the transaction in which somebody else settled it", async () => {
    const { authorization, body } = await newRequest(world);
    const relayer = await world.chain.newPayer(0n, 10n ** 18n);
    const data = transferCall(
      authorization,
      await sign(world.payer, world.chain.asset, authorization),
    );
    const call = { to: world.chain.asset.address, data };
    const { transactionHash } = await sendCall(world.chain, relayer, call);
    expect(await world.settle(body)).toMatchObject({ success: true, transaction: transactionHash });
  });
});

test("another payment with a used nonce is refused, also while the first is under way", async () => {
  const { authorization, body } = await newRequest(world);
  const { nonce, to } = authorization;
  const other = await newRequest(world, 2, { nonce, to, value: 20_000n });
  const [first, second] = await Promise.all([world.settle(body), world.settle(other.body)]);
  expect([first.success, second.success].filter(Boolean)).toHaveLength(1);
  const refused = first.success ? second : first;
  expect(refused).toMatchObject({ errorReason: "invalid_exact_evm_nonce_already_used" });
  expect(await world.settle(first.success ? other.body : body)).toMatchObject({ success: false });
});

test.each([
  ["each in a transaction of its own", 1, { least: 12, most: 12 }],
  ["in batches", 100, { least: 1, most: 11 }],
])("sixteen at once, four of them copies, all end properly, %s", async (_, maxBatch, sent) => {
  const account = await world.chain.newPayer(0n, 10n ** 18n);
  const facilitator = createFacilitator({ rpcUrl: rpcUrl(), account, maxBatch });
  const twelve = await Promise.all(Array.from({ length: 12 }, () => newRequest(world)));
  const asked = [...twelve, ...twelve.slice(0, 4)];
  const answers = await Promise.all(asked.map(({ body }) => settle(facilitator, body)));
  expect(answers.every(({ success }) => success)).toBe(true);
  const transactions = new Set(answers.map(({ transaction }) => transaction));
  expect(transactions.size).toBeGreaterThanOrEqual(sent.least);
  expect(transactions.size).toBeLessThanOrEqual(sent.most);
  expect(answers.slice(12)).toEqual(answers.slice(0, 4));
  for (const [at, { authorization }] of twelve.entries()) {
    const proof = await world.chain.chain.readAuthorization(authorization);
    expect(proof).toMatchObject({ state: "settled", transaction: answers[at]?.transaction });
    expect(await balanceOf(authorization.to)).toBe(10_000n);
  }
});

test("two payments that the payer cannot both afford: one settles, the other is refused for want of money", async () => {
  const payer = await world.chain.newPayer(15_000n);
  const two = await Promise.all([newRequest({ ...world, payer }), newRequest({ ...world, payer })]);
  const answers = await Promise.all(two.map(({ body }) => world.settle(body)));
  expect(answers.filter(({ success }) => success)).toHaveLength(1);
  const refused = answers.find(({ success }) => !success);
  expect(refused).toMatchObject({ errorReason: "insufficient_funds" });
});

test("whatever is asked, in whatever order: each authorization pays at most once, and only successes cost", async () => {
  const order = fc.record({ payment: fc.nat(3), copies: fc.integer({ min: 1, max: 3 }) });
  const run = async (orders: { payment: number; copies: number }[]) => {
    const payer = await world.chain.newPayer(25_000n);
    const known = await Promise.all([0, 1, 2, 3].map(() => newRequest({ ...world, payer })));
    const asked = orders.flatMap(({ payment, copies }) => Array<number>(copies).fill(payment));
    const answers = await Promise.all(
      asked.map(async (payment) => ({ payment, ...(await world.settle(known[payment]!.body)) })),
    );
    const transactions = new Map<number, Set<string>>();
    for (const { payment, success, transaction } of answers) {
      if (success)
        transactions.set(payment, (transactions.get(payment) ?? new Set()).add(transaction));
    }
    for (const each of transactions.values()) expect(each.size).toBe(1);
    const paid = await Promise.all(known.map(({ authorization }) => balanceOf(authorization.to)));
    paid.forEach((amount, payment) =>
      expect(amount).toBe(transactions.has(payment) ? 10_000n : 0n),
    );
    const spent = 25_000n - (await balanceOf(payer.address));
    expect(spent).toBe(10_000n * BigInt(transactions.size));
  };
  await fc.assert(fc.asyncProperty(fc.array(order, { minLength: 1, maxLength: 5 }), run), {
    numRuns: 15,
  });
});

describe("when sending fails", () => {
  test("a facilitator without gas says so, moves nothing, and goes on once it has some", async () => {
    const poor = await world.chain.newPayer();
    const facilitator = createFacilitator({ rpcUrl: rpcUrl(), account: poor });
    const { authorization, body } = await newRequest(world);
    expect(await settle(facilitator, body)).toMatchObject({
      success: false,
      errorReason: "unexpected_settle_error",
      errorMessage: expect.stringMatching(/insufficient funds/i),
      transaction: "",
    });
    expect(await balanceOf(authorization.to)).toBe(0n);
    await world.chain.local.fund(poor.address, { ether: 10n ** 18n });
    expect(await settle(facilitator, body)).toMatchObject({ success: true });
  });

  test("a nonce that another program took strands nobody", async () => {
    const account = await world.chain.newPayer(0n, 10n ** 18n);
    const facilitator = createFacilitator({ rpcUrl: rpcUrl(), account });
    const settleNew = async () =>
      (await settle(facilitator, (await newRequest(world)).body)).success;
    expect(await settleNew()).toBe(true);
    await sendCall(world.chain, account, { to: account.address, data: "0x" });
    expect(await Promise.all([settleNew(), settleNew(), settleNew()])).toEqual([true, true, true]);
  });
});

describe("an outcome that is not known", () => {
  test("is pending, with its transaction, and never failed; asking again tells how it ended", async () => {
    await using own = await openFacilitatorWorld();
    const patience = { confirmationTimeoutMs: 100, syncTimeoutMs: 200 };
    const facilitator = createFacilitator({
      rpcUrl: own.chain.rpcUrl,
      account: own.gas,
      ...patience,
    });
    const { authorization, body } = await newRequest(own);
    await own.chain.rpc("evm_setAutomine", false);
    const pending = await settle(facilitator, body);
    expect(pending).toMatchObject({ success: false, errorReason: "settlement_pending" });
    expect(pending.transaction).toMatch(/^0x[0-9a-f]{64}$/);
    expect(await settle(facilitator, body)).toEqual(pending);
    await own.chain.local.mine();
    const { transaction } = pending;
    expect(await settle(facilitator, body)).toMatchObject({ success: true, transaction });
    expect(await own.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  });

  test("an answer that was lost on its way from the chain is not a failure: the chain is asked", async () => {
    await using lossy = await openLossyProxy(rpcUrl());
    const account = await world.chain.newPayer(0n, 10n ** 18n);
    await using facilitator = await startFacilitator({ rpcUrl: lossy.url, account });
    const { authorization, body } = await newRequest(world);
    lossy.loseNextSend();
    const init = { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${facilitator.url}/settle`, init);
    const answer = (await response.json()) as SettleAnswer;
    expect(answer).toMatchObject({ success: true });
    expect(await balanceOf(authorization.to)).toBe(10_000n);
  });

  test("a chain that reads but does not send settles by plain sends and polling", async () => {
    await using lossy = await openLossyProxy(rpcUrl());
    lossy.forgetSync();
    const account = await world.chain.newPayer(0n, 10n ** 18n);
    const facilitator = createFacilitator({ rpcUrl: lossy.url, account });
    const answers = await Promise.all(
      [1, 2, 3].map(async () => settle(facilitator, (await newRequest(world)).body)),
    );
    expect(answers.map(({ success }) => success)).toEqual([true, true, true]);
  });
});

/** The chain behind a server that can carry out a send and drop its answer, or not know the synchronous send. */
async function openLossyProxy(target: string) {
  let loseSend = false;
  let knowsSync = true;
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString();
      response.setHeader("content-type", "application/json");
      if (!knowsSync && body.includes("eth_sendRawTransactionSync")) {
        const { id } = JSON.parse(body) as { id: number };
        const error = { code: -32_601, message: "method not found" };
        response.end(JSON.stringify({ jsonrpc: "2.0", id, error }));
        return;
      }
      const headers = { "content-type": "application/json" };
      const answer = await fetch(target, { method: "POST", headers, body });
      const text = await answer.text();
      if (loseSend && body.includes("eth_sendRawTransaction")) {
        loseSend = false;
        request.socket.destroy();
        return;
      }
      response.end(text);
    })();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseNextSend: () => (loseSend = true),
    forgetSync: () => (knowsSync = false),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
