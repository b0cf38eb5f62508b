/** Many payments in one transaction, and many accounts that send: whatever one of them meets, the others are paid. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createFacilitator,
  type FacilitatorEvent,
  type FacilitatorOptions,
} from "../../facilitator/index.ts";
import { newAuthorization, newSmartWallet } from "../support/chain.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  requestBody,
  settle,
} from "./facilitator-world.ts";
import { referenceFacilitator } from "./reference-facilitator.ts";

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => world.chain.chain.balanceOf(address);

/** A facilitator that sends from new accounts with gas, and what it says. */
async function open(options: Partial<FacilitatorOptions> = {}) {
  const events: FacilitatorEvent[] = [];
  const account = options.account ?? (await world.chain.newPayer(0n, 10n ** 18n));
  const log = (event: FacilitatorEvent) => void events.push(event);
  const { rpcUrl } = world.chain;
  const facilitator = createFacilitator({ rpcUrl, ...options, account, log });
  const sent = () => events.flatMap((event) => (event.event === "sent" ? [event] : []));
  return { facilitator, events, sent };
}

const newRequests = (count: number) =>
  Promise.all(Array.from({ length: count }, () => newRequest(world)));

test("fifty honest payments at once: the reference facilitator loses some, ours settles all in a few transactions", async () => {
  const gas = await world.chain.newPayer(0n, 10n ** 18n);
  const reference = referenceFacilitator(world.chain.rpcUrl, gas);
  const first = await newRequests(50);
  const theirs = await Promise.all(first.map(({ body }) => reference.settle(body)));
  expect(theirs.filter(({ success }) => !success).length).toBeGreaterThan(0);

  const { facilitator, sent } = await open();
  const fifty = await newRequests(50);
  const answers = await Promise.all(fifty.map(({ body }) => settle(facilitator, body)));
  expect(answers.filter(({ success }) => !success)).toEqual([]);
  expect(sent().length).toBeLessThanOrEqual(10);
  for (const [at, { authorization }] of fifty.entries()) {
    const proof = await world.chain.chain.readAuthorization(authorization);
    expect(proof).toMatchObject({ state: "settled", transaction: answers[at]?.transaction });
  }
});

test("an idle facilitator sends at once, alone", async () => {
  const { facilitator, sent } = await open();
  const [request] = await newRequests(1);
  await settle(facilitator, request?.body);
  expect(sent()).toMatchObject([{ payments: 1 }]);
});

test("payments that come in one moment leave in one transaction", async () => {
  const { facilitator, sent } = await open();
  const requests = await newRequests(5);
  const answers = await Promise.all(requests.map(({ body }) => settle(facilitator, body)));
  expect(answers.every(({ success }) => success)).toBe(true);
  expect(sent()).toMatchObject([{ payments: 5 }]);
});

test("payments that fail inside of a batch fail alone, each for its own reason", async () => {
  const { facilitator, sent } = await open();
  const poor = await Promise.all(Array.from({ length: 6 }, () => world.chain.newPayer(15_000n)));
  const twice = [...poor, ...poor];
  const theirs = await Promise.all(twice.map((payer) => newRequest({ ...world, payer })));
  const honest = await newRequests(6);
  const asked = [...theirs, ...honest];
  const answers = await Promise.all(asked.map(({ body }) => settle(facilitator, body)));
  expect(answers.slice(12).every(({ success }) => success)).toBe(true);
  expect(answers.filter(({ success }) => success)).toHaveLength(12);
  const failed = answers.filter(({ success }) => !success);
  for (const answer of failed) expect(answer).toMatchObject({ errorReason: "insufficient_funds" });
  for (const { address } of poor) expect(await balanceOf(address)).toBe(5_000n);
  expect(sent().length).toBeLessThan(10);
});

test("a smart wallet's payment goes alone, because its code could burn the gas of the others", async () => {
  const { facilitator } = await open();
  const { asset } = world.chain;
  const wallet = await newSmartWallet(world.chain, 50_000n);
  const authorization = newAuthorization(wallet);
  const smart = requestBody(2, { asset, authorization, signature: "0x42" });
  const [one, two, three] = await newRequests(3);
  const bodies = [one?.body, smart, two?.body, three?.body];
  const answers = await Promise.all(bodies.map((body) => settle(facilitator, body)));
  expect(answers.map(({ success }) => success)).toEqual([true, true, true, true]);
  const others = [answers[0], answers[2], answers[3]].map((answer) => answer?.transaction);
  expect(others).not.toContain(answers[1]?.transaction);
});

test("a chain without Multicall3 gets a transaction for each payment", async () => {
  await using own = await openFacilitatorWorld();
  await own.chain.rpc("anvil_setCode", "0xcA11bde05977b3631167028862bE2a173976CA11", "0x");
  const facilitator = createFacilitator({ rpcUrl: own.chain.rpcUrl, account: own.gas });
  const requests = await Promise.all([1, 2, 3, 4].map(() => newRequest(own)));
  const answers = await Promise.all(requests.map(({ body }) => settle(facilitator, body)));
  expect(answers.every(({ success }) => success)).toBe(true);
  expect(new Set(answers.map(({ transaction }) => transaction)).size).toBe(4);
});

test("several accounts send in parallel, and supported names them", async () => {
  const account = await Promise.all([1, 2, 3].map(() => world.chain.newPayer(0n, 10n ** 18n)));
  const { facilitator, sent } = await open({ account });
  const requests = await newRequests(9);
  const answers = await Promise.all(requests.map(({ body }) => settle(facilitator, body)));
  expect(answers.every(({ success }) => success)).toBe(true);
  const addresses = account.map(({ address }) => address);
  expect(new Set(sent().map((event) => event.account))).toEqual(new Set(addresses));
  expect(facilitator.supported().signers).toEqual({ "eip155:*": addresses });
});

test("an account without gas costs no payment where another one has some", async () => {
  const account = [await world.chain.newPayer(), await world.chain.newPayer(0n, 10n ** 18n)];
  const { facilitator } = await open({ account });
  const requests = await newRequests(8);
  const answers = await Promise.all(requests.map(({ body }) => settle(facilitator, body)));
  expect(answers.filter(({ success }) => !success)).toEqual([]);
  expect(await facilitator.health()).toMatchObject({ status: "degraded" });
});
