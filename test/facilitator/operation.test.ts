/** What an operator sees of a facilitator, and on which networks it works. */
import { getAddress } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createFacilitator,
  type FacilitatorEvent,
  startFacilitator,
} from "../../facilitator/index.ts";
import { BASE_USDC } from "../../protocol/index.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  settle,
  verify,
} from "./facilitator-world.ts";

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

test("health says whether it can settle, and from which accounts", async () => {
  const response = await fetch(`${world.facilitator.url}/health`);
  expect([response.status, await response.json()]).toMatchObject([
    200,
    {
      status: "ok",
      network: "eip155:84532",
      block: expect.stringMatching(/^\d+$/),
      signers: [{ address: world.gas.address, balance: (10n ** 18n).toString() }],
      pending: 0,
      waiting: 0,
    },
  ]);
});

test("health is down, with 503, where the chain does not answer", async () => {
  const own = await openFacilitatorWorld();
  await own.chain.local.close();
  const response = await fetch(`${own.facilitator.url}/health`);
  expect([response.status, await response.json()]).toMatchObject([503, { status: "down" }]);
  await own.facilitator.close();
});

test("metrics count what was verified, refused, settled and sent, in Prometheus' format", async () => {
  await using own = await openFacilitatorWorld();
  const { body } = await newRequest(own);
  const bad = await newRequest(own, 2, { validBefore: 1n });
  await own.verify(body);
  await own.settle(body);
  await own.settle(bad.body);
  const response = await fetch(`${own.facilitator.url}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  for (const line of [
    "# TYPE purser_facilitator_settled_total counter",
    "purser_facilitator_verified_total 1",
    "purser_facilitator_settled_total 1",
    'purser_facilitator_refused_total{call="settle",reason="invalid_exact_evm_payload_authorization_valid_before"} 1',
    `purser_facilitator_transactions_total{account="${own.gas.address}"} 1`,
    "# TYPE purser_facilitator_pending gauge",
    "purser_facilitator_pending 0",
  ])
    expect(text.split("\n")).toContain(line);
  for (const line of text.trim().split("\n"))
    expect(line).toMatch(
      /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? \d+)$/,
    );
});

test("the log tells what happened to whom, and never a signature", async () => {
  const events: FacilitatorEvent[] = [];
  const account = await world.chain.newPayer(0n, 10n ** 18n);
  const log = (event: FacilitatorEvent) => void events.push(event);
  const facilitator = createFacilitator({ rpcUrl: world.chain.rpcUrl, account, log });
  const { authorization, body } = await newRequest(world);
  await verify(facilitator, body);
  const { transaction } = await settle(facilitator, body);
  await settle(facilitator, undefined);
  const payer = authorization.from;
  const payTo = getAddress(authorization.to);
  expect(events).toEqual([
    { event: "verified", payer, amount: "10000" },
    { event: "sent", account: account.address, nonce: 0, transaction, payments: 1 },
    { event: "concluded", account: account.address, nonce: 0, outcome: "mined" },
    { event: "settled", payer, payTo, amount: "10000", transaction },
    { event: "refused", call: "settle", reason: "invalid_payload" },
  ]);
  const signature = body.paymentPayload.payload.signature.slice(2, 40);
  expect(JSON.stringify(events)).not.toContain(signature);
});

test("real money moves only where somebody said so", async () => {
  const account = privateKeyToAccount(generatePrivateKey());
  const options = { rpcUrl: world.chain.rpcUrl, account, asset: BASE_USDC };
  const refusal = expect.objectContaining({ code: "MAINNET_NOT_ALLOWED" });
  expect(() => createFacilitator(options)).toThrow(refusal);
  await expect(startFacilitator(options)).rejects.toThrow(refusal);
  const allowed = createFacilitator({ ...options, allowMainnet: true });
  expect(allowed.supported().kinds).toMatchObject([
    { network: "base" },
    { network: "eip155:8453" },
  ]);
});

test("a facilitator does not start on another chain than its asset's", async () => {
  const { rpcUrl } = world.chain;
  const start = startFacilitator({
    rpcUrl,
    privateKey: generatePrivateKey(),
    asset: BASE_USDC,
    allowMainnet: true,
  });
  await expect(start).rejects.toThrow(expect.objectContaining({ code: "CHAIN_MISMATCH" }));
});
