/**
 * An RPC server that errs, hangs, drops, or lies about receipts: nothing is called settled without its own events, nothing that may
 * have settled is called failed, and once the server tells the truth, asking again with the same payment ends well, paid once.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFacilitator } from "../../facilitator/index.ts";
import { newAuthorization, newSmartWallet } from "../support/chain.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  requestBody,
  settle,
} from "./facilitator-world.ts";
import { type Fault, openRpcDouble } from "./rpc-double.ts";

const SEND = "eth_sendRawTransactionSync";
const RECEIPT = "eth_getTransactionReceipt";

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

async function open() {
  const double = await openRpcDouble(world.chain.rpcUrl);
  const account = await world.chain.newPayer(0n, 10n ** 18n);
  const patience = { confirmationTimeoutMs: 400, syncTimeoutMs: 200 };
  const facilitator = createFacilitator({ rpcUrl: double.url, account, ...patience });
  const close = async () => {
    facilitator.close();
    await double[Symbol.asyncDispose]();
  };
  return { double, facilitator, [Symbol.asyncDispose]: close };
}

const errs: Fault = ({ response, request: { id } }) => {
  const error = { code: -32_000, message: "backend overloaded" };
  response.end(JSON.stringify({ jsonrpc: "2.0", id, error }));
};
const fails: Fault = ({ response }) => void response.writeHead(502).end("<html>bad gateway</html>");
const garbles: Fault = ({ response }) => void response.end("not json");
const resets: Fault = ({ response }) => void response.destroy();
const hangs: Fault = () => undefined;
const shortens: Fault = ({ answer }) => answer("0x00");
const after =
  (fault: Fault): Fault =>
  async (call) => {
    await call.forward();
    await fault(call);
  };

describe("while payers cannot be read, nothing is sent", () => {
  test.each([
    ["errs", errs],
    ["answers 502", fails],
    ["answers no JSON", garbles],
    ["resets the connection", resets],
    ["answers something else", shortens],
  ])("a server that %s", async (_, fault) => {
    await using own = await open();
    own.double.set("eth_call", fault);
    const { authorization, body } = await newRequest(world);
    await expect(settle(own.facilitator, body)).rejects.toMatchObject({
      code: "CHAIN_UNREACHABLE",
    });
    expect(own.facilitator.metrics()).toContain("purser_facilitator_transactions_total 0\n");
    own.double.set("eth_call", undefined);
    expect(await settle(own.facilitator, body)).toMatchObject({ success: true });
    expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  });
});

test("a call that the server refuses for several payments is asked for fewer: one that cannot be answered spoils no other", async () => {
  await using own = await open();
  const { address: unreadable } = await world.chain.newPayer();
  own.double.set("eth_call", async (call) => {
    const [{ data }] = call.request.params as [{ data: string }];
    if (data.includes(unreadable.slice(2))) await errs(call);
    else call.answer(await call.forward());
  });
  const honest = await Promise.all(Array.from({ length: 9 }, () => newRequest(world)));
  const authorization = newAuthorization(unreadable);
  const { asset } = world.chain;
  const bad = requestBody(2, { asset, authorization, signature: `0x${"11".repeat(65)}` });
  const bodies = honest.map(({ body }) => body);
  bodies.splice(4, 0, bad);
  const ended = await Promise.allSettled(bodies.map((body) => settle(own.facilitator, body)));
  const [refused] = ended.splice(4, 1);
  expect(refused).toMatchObject({ reason: { code: "CHAIN_UNREACHABLE" } });
  expect(ended).toMatchObject(honest.map(() => ({ value: { success: true } })));
});

test("a smart wallet whose code never ends is refused, and those beside it are paid", async () => {
  await using own = await open();
  const wallet = await newSmartWallet(world.chain, 50_000n);
  await world.chain.rpc("anvil_setCode", wallet, "0x5b5f56");
  const authorization = newAuthorization(wallet);
  const { asset } = world.chain;
  const endless = requestBody(2, { asset, authorization, signature: "0x42" });
  const honest = await Promise.all([1, 2, 3].map(() => newRequest(world)));
  const bodies = [endless, ...honest.map(({ body }) => body)];
  const [first, ...rest] = await Promise.all(bodies.map((body) => settle(own.facilitator, body)));
  expect(first).toMatchObject({ errorReason: "invalid_exact_evm_payload_signature" });
  expect(rest.map(({ success }) => success)).toEqual([true, true, true]);
});

describe("where a send has no answer, the payment is settled or pending, never failed", () => {
  test.each([
    ["hangs before it passes it on", hangs],
    ["resets before it passes it on", resets],
    ["hangs after it has passed it on", after(hangs)],
    ["resets after it has passed it on", after(resets)],
    ["answers 502 after it has passed it on", after(fails)],
    ["answers no JSON after it has passed it on", after(garbles)],
    ["answers an error after it has passed it on", after(errs)],
    ["answers null after it has passed it on", after(({ answer }) => answer(null))],
  ])("a server that %s", async (_, fault) => {
    await using own = await open();
    own.double.set(SEND, fault);
    const { authorization, body } = await newRequest(world);
    const first = await settle(own.facilitator, body);
    if (!first.success) {
      expect(first).toMatchObject({ errorReason: "settlement_pending" });
      expect(first.transaction).toMatch(/^0x[0-9a-f]{64}$/);
    }
    own.double.set(SEND, undefined);
    const again = () => settle(own.facilitator, body);
    await expect.poll(again, { interval: 20, timeout: 10_000 }).toMatchObject({ success: true });
    expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
    expect(await settle(own.facilitator, (await newRequest(world)).body)).toMatchObject({
      success: true,
    });
  });
});

describe("a receipt that lies", () => {
  type Receipt = Record<string, unknown> & { logs: Record<string, unknown>[] };
  const lying =
    (lie: (receipt: Receipt) => unknown): Fault =>
    async ({ forward, answer }) => {
      const receipt = (await forward()) as Receipt | null;
      answer(receipt && lie(receipt));
    };
  const STRANGER = "0x00000000000000000000000000000000000000e9";

  test.each([
    ["hides its events", (receipt: Receipt) => ({ ...receipt, logs: [] })],
    [
      "has another token's events",
      (receipt: Receipt) => ({
        ...receipt,
        logs: receipt.logs.map((log) => ({ ...log, address: STRANGER })),
      }),
    ],
    ["says that it reverted", (receipt: Receipt) => ({ ...receipt, status: "0x0", logs: [] })],
  ])("and %s proves no settlement; the truth, asked for, does", async (_, lie) => {
    await using own = await open();
    const { authorization, body } = await newRequest(world);
    own.double.set(SEND, lying(lie));
    own.double.set(RECEIPT, lying(lie));
    const lied = await settle(own.facilitator, body).catch((error: unknown) => error);
    expect(lied).not.toMatchObject({ success: true });
    own.double.set(SEND, undefined);
    own.double.set(RECEIPT, undefined);
    expect(await settle(own.facilitator, body)).toMatchObject({ success: true });
    expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  });

  test("and is another transaction's is not believed: the send is made again", async () => {
    await using own = await open();
    const paid = await newRequest(world);
    let genuine: unknown;
    own.double.set(SEND, async ({ forward, answer }) => answer((genuine = await forward())));
    const first = await settle(own.facilitator, paid.body);
    // The next send is answered with the first one's receipt, and not carried out.
    own.double.set(SEND, ({ answer }) => answer(genuine));
    const { authorization, body } = await newRequest(world);
    const again = () => settle(own.facilitator, body);
    await expect.poll(again, { interval: 20, timeout: 10_000 }).toMatchObject({ success: true });
    expect((await again()).transaction).not.toBe(first.transaction);
    expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  });
});
