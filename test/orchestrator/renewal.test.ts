/** What is billed from period to period: paid when it is due, once, within the cap and at the agreed price; and what becomes of it unpaid. */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Resource } from "../../protocol/index.ts";
import { openDatabase } from "../../store/index.ts";
import { codeOf } from "./desk-world.ts";
import { DAY_MS, endPeriod } from "./end-period.ts";
import { type GreenhouseWorld, openGreenhouseWorld } from "./greenhouse-world.ts";
import { type Caller, openSession } from "./session-caller.ts";

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
  const end = endPeriod(world, pot, 0);
  expect(await spentBy(renewDue)).toBe(20_000_000n);
  const { billing } = await read(pot);
  const paidUntil = Date.parse(billing!.paid_until!);
  expect(paidUntil - end).toBeGreaterThan(27 * DAY_MS);
  expect(paidUntil - end).toBeLessThan(32 * DAY_MS);
  expect(await spentBy(renewDue)).toBe(0n);
});

test("whoever renews it at once, a period is paid once", async () => {
  const pot = await made("pot:large");
  endPeriod(world, pot, 0);
  const asked = await me.post(`${at}/resources/${pot.id}/renew`, {});
  expect(codeOf(asked)).toBe("PAYMENT_CONFIRMATION_REQUIRED");
  const { details } = asked.body["error"] as { details: Record<string, string> };
  const { paid_until } = (await read(pot)).billing!;
  const order = { quote: details["quote_id"], paid_until };
  const byHand = () => me.post(`${at}/resources/${pot.id}/renew`, order);
  const spent = await spentBy(() => Promise.all([renewDue(), renewDue(), byHand()]));
  expect(spent).toBe(20_000_000n);
  expect(await spentBy(renewDue)).toBe(0n);
});

test("what was paid by hand while it waited for its turn is not paid again by itself", async () => {
  const [first, second] = [await made("pot:large"), await made("water")];
  world.opened.litres = 200n;
  endPeriod(world, first, 1);
  endPeriod(world, second, 0);
  const { billing } = await read(second);
  const path = `${at}/resources/${second.id}/renew`;
  const asked = await me.post(path, {});
  const { details } = asked.body["error"] as { details: Record<string, string> };
  const order = { quote: details["quote_id"], paid_until: billing!.paid_until };
  // The first one's turn comes first, and takes as long as its payment.
  const spent = await spentBy(async () => {
    const [, byHand] = await Promise.all([renewDue(), me.post(path, order)]);
    expect(byHand.status).toBe(200);
  });
  expect(spent).toBe(20_000_000n + 3_000_000n);
});

test("a renewal that is repeated, because its answer was lost, pays no second period", async () => {
  const pot = await made("pot:large");
  const renew = async () => {
    const order = { paid_until: pot.billing!.paid_until };
    const asked = await me.post(`${at}/resources/${pot.id}/renew`, order);
    const error = asked.body["error"] as { details?: Record<string, string> } | undefined;
    const quote = error?.details?.["quote_id"];
    return quote ? me.post(`${at}/resources/${pot.id}/renew`, { ...order, quote }) : asked;
  };
  let first: Awaited<ReturnType<typeof renew>>;
  expect(await spentBy(async () => (first = await renew()))).toBe(20_000_000n);
  expect(await spentBy(async () => expect(await renew()).toEqual(first))).toBe(0n);
});

test("what is given up here stays at its provider, and is paid for and listed here no more", async () => {
  const pot = await made("pot:large");
  const remove = (order: object) => me.post(`${at}/resources/${pot.id}/remove`, order);
  expect(codeOf(await remove({ only: "tracking" }))).toBe("CONFIRMATION_REQUIRED");
  const before = [...world.opened.done];
  const given = await remove({ only: "tracking", confirm: ["destructive"] });
  expect(given.body).toMatchObject({ id: pot.id, status: "untracked", access: {} });
  expect(given.body).not.toHaveProperty("billing");
  endPeriod(world, pot, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  expect(world.opened.done).toEqual(before);
  expect(codeOf(await me.post(`${at}/resources/${pot.id}/renew`, {}))).toBe("INVALID_STATE");
  expect((await made("pot:large")).id).not.toBe(pot.id);
});

test("credentials that are given up leave the vault, and the resource stays, billed as before", async () => {
  const pot = await made("pot:small");
  const path = `${at}/resources/${pot.id}`;
  const handle = Object.values(pot.access).find((value) => value.startsWith("cred:"));
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  const run = await me.post(`${at}/runs`, { budget: "0", expires_at, agent: "cli" });
  const read = async () => {
    const authorization = `Bearer ${String(run.body["token"])}`;
    const url = `${world.server.url}/v1/credentials/${handle}`;
    return (await fetch(url, { headers: { authorization } })).status;
  };
  expect(await read()).toBe(200);
  const order = { only: "credentials", confirm: ["destructive"] };
  const { body } = await me.post(`${path}/remove`, order);
  expect(body).toEqual({ ...pot, access: { PLANT: "pot:small" } });
  expect([await read(), (await me.get(`${path}/access`)).body["values"]]).toEqual([
    404,
    { PLANT: "pot:small" },
  ]);
  await me.post(`${path}/rotate`, { idempotency_key: `key-${(keys += 1)}` });
  expect((await me.get(`${path}/access`)).body["values"]).toMatchObject({ KEY: "another" });
});

test("where the cap is reached nothing is paid, the resource says so, and a higher cap pays it at once", async () => {
  const pot = await made("pot:large");
  await me.put(`${at}/caps/greenhouse`, { amount: "39.99" });
  endPeriod(world, pot, 0);
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
  endPeriod(world, pot, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  expect(codeOf(await me.post(`${at}/resources/${pot.id}/renew`, {}))).toBe("INVALID_STATE");
});

test("a price that has risen is the person's to accept, and from then on it is the agreed one", async () => {
  const pot = await made("pot:large");
  endPeriod(world, pot, 0);
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
  endPeriod(world, pot, 0);
  expect(await spentBy(renewDue)).toBe(20_000_000n);
});

test("what was used is paid by the unit, and what was not used costs nothing", async () => {
  const water = await made("water");
  endPeriod(world, water, 0);
  world.opened.litres = 200n;
  expect(await spentBy(renewDue)).toBe(3_000_000n);
  world.opened.litres = 0n;
  endPeriod(world, water, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  const { billing } = await read(water);
  expect(Date.parse(billing!.paid_until!)).toBeGreaterThan(Date.now());
  expect(billing).not.toHaveProperty("renewal_problem");
});

test("after a week unpaid the provider suspends it, and paying lets it go on", async () => {
  const pot = await made("pot:large");
  const theirs = `/v1/projects/${at.split("/").at(-1)}/resources/${pot.id}`;
  await me.put(`${at}/caps/greenhouse`, { amount: "20.00" });
  endPeriod(world, pot, 6);
  await world.recover();
  const done = () => world.opened.done.filter((line) => /^(suspended|resumed)/.test(line)).length;
  const before = done();
  endPeriod(world, pot, 8);
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
  endPeriod(world, pot, 31);
  await world.recover();
  expect(await spentBy(renewDue)).toBe(0n);
  expect(await read(pot)).toMatchObject({ status: "removed" });
});

test("a project that gave up its account pays nothing there, and is told why", async () => {
  const pot = await made("pot:large");
  await me.delete(`${at}/connections/greenhouse`);
  endPeriod(world, pot, 0);
  expect(await spentBy(renewDue)).toBe(0n);
  expect((await read(pot)).billing?.renewal_problem).toBe("NOT_CONNECTED");
});

test.each(
  (["quotes", "renew", "payment"] as const).flatMap((step) =>
    (["down", "slow", "broken", "lost"] as const).map((fault) => [step, fault] as const),
  ),
)("a provider that at %s is %s is asked again, and paid once for a period", async (step, fault) => {
  const pot = await made("pot:large");
  endPeriod(world, pot, 0);
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
