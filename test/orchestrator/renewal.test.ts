/** What is billed from period to period: paid when it is due, once, within the cap and at the agreed price; and what becomes of it unpaid. */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Resource } from "../../protocol/index.ts";
import { openDatabase } from "../../store/index.ts";
import { codeOf } from "./desk-world.ts";
import { type GreenhouseWorld, openGreenhouseWorld } from "./greenhouse-world.ts";
import { type Caller, openSession } from "./session-caller.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
let world: GreenhouseWorld;
let me: Caller;
let at: string;
let keys = 0;

beforeAll(async () => {
  world = await openGreenhouseWorld();
  me = openSession(world);
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => {
  const { id } = world.server.orchestrator.createProject({ name: "garden" });
  at = `/v1/projects/${id}`;
  world.opened.mood = "well";
  world.opened.litres = 0n;
});

async function made(service: string): Promise<Resource> {
  const order = {
    service: `greenhouse/${service}`,
    idempotency_key: `key-${(keys += 1)}`,
    accept_terms: "2026-04-30",
  };
  const asked = await me.post(`${at}/resources`, order);
  const error = asked.body["error"] as { details?: Record<string, string> } | undefined;
  const quote = error?.details?.["quote_id"];
  const { status, body } = quote ? await me.post(`${at}/resources`, { ...order, quote }) : asked;
  expect([status, body]).toMatchObject([200, { status: "complete" }]);
  return body as unknown as Resource;
}

/** As if its period had ended so many days ago, for both sides: their clocks and the chain's stay as they are. */
function endPeriod({ id }: Resource, daysAgo: number): number {
  const end = Date.now() - daysAgo * DAY_MS - 1000;
  using ours = openDatabase(join(world.dir, "orchestrator", "orchestrator.db"));
  ours.run("UPDATE resource SET paid_until = ? WHERE id = ?", end, id);
  const row = ours
    .query<{ id: string }>("SELECT provider_id AS id FROM resource WHERE id = ?")
    .get(id);
  using theirs = openDatabase(join(world.dir, "greenhouse", "provider.sqlite"));
  theirs.run(
    "UPDATE resource SET paid_until = ?, facts = json_set(facts, '$.paidUntil', ?) WHERE id = ?",
    end,
    end,
    row!.id,
  );
  return end;
}
const renewDue = () => world.server.orchestrator.renewDue();
const read = async ({ id }: Resource) =>
  (await me.get(`${at}/resources/${id}`)).body as unknown as Resource;
async function spentBy(work: () => Promise<unknown>): Promise<bigint> {
  const before = await world.spent();
  await work();
  return (await world.spent()) - before;
}

test("a month is paid when it is due, once, and follows the one before", async () => {
  const pot = await made("pot:large");
  expect(pot.billing).toMatchObject({ kind: "recurring", amount: "20.00", interval: "month" });
  expect(await spentBy(renewDue), "nothing is due yet").toBe(0n);
  const end = endPeriod(pot, 0);
  expect(await spentBy(renewDue)).toBe(20_000_000n);
  const { billing } = await read(pot);
  const paidUntil = Date.parse(billing!.paid_until!);
  expect(paidUntil - end).toBeGreaterThan(27 * DAY_MS);
  expect(paidUntil - end).toBeLessThan(32 * DAY_MS);
  expect(await spentBy(renewDue)).toBe(0n);
});

test("whoever renews it at once, a period is paid once", async () => {
  const pot = await made("pot:large");
  endPeriod(pot, 0);
  const asked = await me.post(`${at}/resources/${pot.id}/renew`, {});
  expect(codeOf(asked)).toBe("PAYMENT_CONFIRMATION_REQUIRED");
  const { details } = asked.body["error"] as { details: Record<string, string> };
  const byHand = () => me.post(`${at}/resources/${pot.id}/renew`, { quote: details["quote_id"] });
  const spent = await spentBy(() => Promise.all([renewDue(), renewDue(), byHand()]));
  const { billing } = await read(pot);
  const periods = Math.round((Date.parse(billing!.paid_until!) - Date.now()) / (30 * DAY_MS));
  expect(spent, "a month for each payment").toBe(BigInt(periods) * 20_000_000n);
  expect(await spentBy(renewDue)).toBe(0n);
});

test("where the cap is reached nothing is paid, the resource says so, and a higher cap pays it at once", async () => {
  const pot = await made("pot:large");
  await me.put(`${at}/caps/greenhouse`, { amount: "39.99" });
  endPeriod(pot, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  expect(["CAP_EXCEEDED", "PROVIDER_REFUSED"]).toContain(
    (await read(pot)).billing?.renewal_problem,
  );
  expect(await spentBy(renewDue), "it is not tried again and again").toBe(0n);
  await me.put(`${at}/caps/greenhouse`, { amount: "40.00" });
  expect(await spentBy(renewDue)).toBe(20_000_000n);
  expect((await read(pot)).billing).not.toHaveProperty("renewal_problem");
});

test("what the person has removed is not paid any more", async () => {
  const pot = await made("pot:large");
  await me.post(`${at}/resources/${pot.id}/remove`, { confirm: ["destructive"] });
  endPeriod(pot, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  expect(codeOf(await me.post(`${at}/resources/${pot.id}/renew`, {}))).toBe("INVALID_STATE");
});

test("a price that has risen is the person's to accept, and from then on it is the agreed one", async () => {
  const pot = await made("pot:large");
  endPeriod(pot, 0);
  {
    using db = openDatabase(join(world.dir, "orchestrator", "orchestrator.db"));
    db.run("UPDATE resource SET agreed = '19.99' WHERE id = ?", pot.id);
  }
  expect(await spentBy(renewDue)).toBe(0n);
  expect((await read(pot)).billing?.renewal_problem).toBe("RENEWAL_ABOVE_AGREED");
  const asked = await me.post(`${at}/resources/${pot.id}/renew`, {});
  const { details } = asked.body["error"] as { details: Record<string, string> };
  expect(details).toMatchObject({ amount: "20.00", confirmations_required: "paid" });
  const order = { quote: details["quote_id"] };
  expect((await me.post(`${at}/resources/${pot.id}/renew`, order)).body).toMatchObject({
    status: "complete",
  });
  endPeriod(pot, 0);
  expect(await spentBy(renewDue)).toBe(20_000_000n);
});

test("what was used is paid by the unit, and what was not used costs nothing", async () => {
  const water = await made("water");
  endPeriod(water, 0);
  world.opened.litres = 200n;
  expect(await spentBy(renewDue)).toBe(3_000_000n);
  world.opened.litres = 0n;
  endPeriod(water, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  const { billing } = await read(water);
  expect(Date.parse(billing!.paid_until!)).toBeGreaterThan(Date.now());
  expect(billing).not.toHaveProperty("renewal_problem");
});

test("after a week unpaid the provider suspends it, and paying lets it go on", async () => {
  const pot = await made("pot:large");
  const theirs = `/v1/projects/${at.split("/").at(-1)}/resources/${pot.id}`;
  await me.put(`${at}/caps/greenhouse`, { amount: "20.00" });
  endPeriod(pot, 6);
  await world.recover();
  const done = () => world.opened.done.filter((line) => /^(suspended|resumed)/.test(line)).length;
  const before = done();
  endPeriod(pot, 8);
  await world.recover();
  await world.recover();
  expect(done() - before, "suspended once").toBe(1);
  expect(codeOf(await me.post(`${theirs}/rotate`, { idempotency_key: "r" }))).toBe(
    "PROVIDER_REFUSED",
  );
  await me.put(`${at}/caps/greenhouse`, { amount: "60.00" });
  expect(await spentBy(renewDue)).toBe(20_000_000n);
  expect(done() - before, "and resumed once").toBe(2);
  expect((await read(pot)).billing).not.toHaveProperty("suspended");
  expect((await me.get(`${theirs}/access`)).body["values"]).toMatchObject({
    KEY: "after the pause",
  });
});

test("after a month unpaid the provider takes it away, and nothing is paid for what is gone", async () => {
  const pot = await made("pot:large");
  endPeriod(pot, 31);
  await world.recover();
  expect(await spentBy(renewDue)).toBe(0n);
  expect(await read(pot)).toMatchObject({ status: "removed" });
});

test("a project that gave up its account pays nothing there, and is told why", async () => {
  const pot = await made("pot:large");
  await me.delete(`${at}/connections/greenhouse`);
  endPeriod(pot, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  expect((await read(pot)).billing?.renewal_problem).toBe("NOT_CONNECTED");
});

test.each(
  (["quotes", "renew", "payment"] as const).flatMap((step) =>
    (["down", "slow", "broken", "lost"] as const).map((fault) => [step, fault] as const),
  ),
)("a provider that at %s is %s is asked again, and paid once for a period", async (step, fault) => {
  const pot = await made("pot:large");
  endPeriod(pot, 0);
  world.faults.set(step, fault);
  await renewDue();
  expect((await read(pot)).billing).toHaveProperty("renewal_problem");
  world.faults.clear();
  {
    using db = openDatabase(join(world.dir, "orchestrator", "orchestrator.db"));
    db.run("UPDATE resource SET renewal_at = 0");
  }
  await renewDue();
  const { body } = await me.get(at);
  expect(body).toMatchObject({ spend: [{ spent: "40.00", reserved: "0.00" }] });
});
