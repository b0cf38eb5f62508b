/** Transactions that wait too long, are forgotten, or outlive the facilitator that sent them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, afterEach, expect, test } from "vitest";
import {
  createFacilitator,
  type FacilitatorEvent,
  type FacilitatorOptions,
} from "../../facilitator/index.ts";
import { openDatabase } from "../../store/index.ts";
import { sendCall } from "../support/chain.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  settle,
} from "./facilitator-world.ts";

const folder = mkdtempSync(join(tmpdir(), "purser-facilitator-"));
afterAll(() => rmSync(folder, { recursive: true }));

let world: FacilitatorWorld;
beforeEach(async () => {
  world = await openFacilitatorWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const HASTY = { confirmationTimeoutMs: 200, syncTimeoutMs: 100 };

function open(options: Partial<FacilitatorOptions>) {
  const events: FacilitatorEvent[] = [];
  const waiting: [FacilitatorEvent["event"], (event: FacilitatorEvent) => void][] = [];
  const log = (event: FacilitatorEvent) => {
    events.push(event);
    for (const [name, resolve] of waiting) if (name === event.event) resolve(event);
  };
  const { rpcUrl } = world.chain;
  const facilitator = createFacilitator({ rpcUrl, account: world.gas, log, ...options });
  /** The first event of a kind. */
  const next = (name: FacilitatorEvent["event"]) =>
    new Promise<FacilitatorEvent>((resolve) => {
      const known = events.find(({ event }) => event === name);
      if (known) resolve(known);
      else waiting.push([name, resolve]);
    });
  return { facilitator, events, next };
}

test("a transaction that waits too long is sent again with its nonce and a higher fee; the payment settles once", async () => {
  const { facilitator, events, next } = open({
    ...HASTY,
    confirmationTimeoutMs: 5_000,
    replaceAfterMs: 150,
  });
  await world.chain.rpc("evm_setAutomine", false);
  const { authorization, body } = await newRequest(world);
  const answer = settle(facilitator, body);
  const again = await next("sent_again");
  const sent = await next("sent");
  if (again.event !== "sent_again" || sent.event !== "sent") throw new Error("unreachable");
  expect(again.nonce).toBe(sent.nonce);
  expect(again.transaction).not.toBe(sent.transaction);
  await world.chain.local.mine();
  const settled = await answer;
  expect(settled).toMatchObject({ success: true });
  expect(settled.transaction).not.toBe(sent.transaction);
  expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  expect(events.filter(({ event }) => event === "sent")).toHaveLength(1);
  facilitator.close();
});

test("no fee goes above the limit, neither a first one nor a replacement's", async () => {
  const { facilitator, events } = open({ ...HASTY, maxFeePerGas: 1n });
  const { body } = await newRequest(world);
  expect(await settle(facilitator, body)).toMatchObject({
    errorReason: "unexpected_settle_error",
    errorMessage: expect.stringContaining("limit"),
  });
  expect(events.map(({ event }) => event)).toEqual(["refused"]);
});

test("a transaction that waits holds up no later payment", async () => {
  const { facilitator } = open({ ...HASTY, confirmationTimeoutMs: 5_000 });
  await world.chain.rpc("evm_setAutomine", false);
  const one = await newRequest(world);
  const two = await newRequest(world);
  const waiting = (pending: string) =>
    expect
      .poll(async () => world.chain.rpc("txpool_status"), { interval: 20, timeout: 5_000 })
      .toMatchObject({ pending });
  const first = settle(facilitator, one.body);
  await waiting("0x1");
  const second = settle(facilitator, two.body);
  // The second leaves although the first is still waiting.
  await waiting("0x2");
  await world.chain.local.mine();
  expect(await Promise.all([first, second])).toMatchObject([{ success: true }, { success: true }]);
  facilitator.close();
});

test("what was sent before a crash and forgotten by the chain is sent again at the next start, by itself", async () => {
  const path = join(folder, "crash.sqlite");
  await world.chain.rpc("evm_setAutomine", false);
  const { authorization, body } = await newRequest(world);
  const db = openDatabase(path);
  const before = open({ ...HASTY, db });
  const pending = await settle(before.facilitator, body);
  expect(pending).toMatchObject({ errorReason: "settlement_pending" });
  before.facilitator.close();
  db.close();
  await world.chain.rpc("anvil_dropTransaction", pending.transaction);
  await world.chain.rpc("evm_setAutomine", true);

  using reopened = openDatabase(path);
  const after = open({ ...HASTY, db: reopened });
  expect(await after.next("concluded")).toMatchObject({ outcome: "mined" });
  expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  const { transaction } = pending;
  expect(await settle(after.facilitator, body)).toMatchObject({ success: true, transaction });
  expect(after.facilitator.metrics()).toContain("purser_facilitator_pending 0\n");
  after.facilitator.close();
});

test("a payment whose transaction another program's displaced is still settled, once", async () => {
  const { facilitator, next } = open(HASTY);
  await world.chain.rpc("evm_setAutomine", false);
  const { authorization, body } = await newRequest(world);
  const pending = await settle(facilitator, body);
  await world.chain.rpc("anvil_dropTransaction", pending.transaction);
  await world.chain.rpc("evm_setAutomine", true);
  await sendCall(world.chain, world.gas, { to: world.gas.address, data: "0x" });
  expect(await next("concluded")).toMatchObject({ outcome: "displaced" });
  expect(await settle(facilitator, body)).toMatchObject({ success: true });
  expect(await world.chain.chain.balanceOf(authorization.to)).toBe(10_000n);
  facilitator.close();
});
