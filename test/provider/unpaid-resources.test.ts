/** What was provided and never paid: the payment's window closes, and the provider takes back what it had made. */
import { expect, test } from "vitest";
import type { Service } from "../../protocol/index.ts";
import { openAccounts } from "../../provider/kit/accounts.ts";
import { openConnections } from "../../provider/kit/connections.ts";
import { openChanges } from "../../provider/kit/resources/change.ts";
import { resourceWare } from "../../provider/kit/resources/create.ts";
import { openLifecycle } from "../../provider/kit/resources/lifecycle.ts";
import type { ResourceParts } from "../../provider/kit/resources/parts.ts";
import { openQuotes } from "../../provider/kit/resources/quotes.ts";
import { openResources, type ResourceRecord } from "../../provider/kit/resources/store.ts";
import { stopUnpaid } from "../../provider/kit/resources/unpaid.ts";
import { openDatabase } from "../../store/index.ts";

const CONNECTION = {
  id: "c",
  accountId: "a",
  issuer: "i",
  subject: "s",
  project: "p",
  agent: "",
  scope: "account",
};

/** The kit's parts over a database in memory; nothing here reaches the till. */
function open() {
  const database = openDatabase(":memory:");
  openAccounts(database);
  const connections = openConnections(database);
  const made: string[] = [];
  const service = (id: string): Service => ({
    id,
    description: "",
    categories: [],
    kind: "plan",
    pricing: { type: "free" },
    requires_payment_method: false,
    capabilities: { gives: [], needs: [] },
    operations: {},
    allowed_updates: [{ service: id === "small" ? "large" : "small", direction: "any" }],
  });
  const provide = (name: string) => (order: { id: string }) => {
    made.push(`${name} ${order.id}`);
    return { SIZE: name };
  };
  const parts: ResourceParts = {
    providerId: "x",
    publicUrl: "http://127.0.0.1",
    services: [service("small"), service("large")],
    provider: {
      provide: { small: provide("small"), large: provide("large") },
      withdraw: { large: ({ id }) => void made.push(`withdrew ${id}`) },
    },
    database,
    connections,
    resources: openResources(database),
    quotes: openQuotes(database, { now: Date.now, newId: () => "1" }),
    till: undefined as never,
    now: Date.now,
  };
  const lifecycle = openLifecycle(parts);
  const quote = parts.quotes.give(
    {
      service_id: "large",
      purpose: "create",
      amount: "1.00",
      currency: "usd",
      kind: "one_time",
      description: "",
    },
    { connection: CONNECTION, configuration: {} },
  );
  const record: ResourceRecord = {
    id: "res_1",
    accountId: "a",
    issuer: "i",
    project: "p",
    serviceId: "large",
    fingerprint: "f",
    configuration: {},
    status: "ordered",
    createdAt: 0,
  };
  return { ...parts, parts, lifecycle, made, quote, record };
}

const never = () => {
  throw new Error("nobody asks");
};

test("a resource whose payment never came is withdrawn, and quote and key are free again", async () => {
  const { parts, lifecycle, made, quote, record, resources, quotes } = open();
  const ware = resourceWare(parts, lifecycle, never);
  const held = { connection: CONNECTION, order: { record, quoteId: quote.id }, payment: "pay-1" };
  ware.hold(held);
  await ware.prepare?.(held);
  expect(() => ware.hold({ ...held, payment: "pay-2" })).toThrow(
    expect.objectContaining({ code: "quote_used" }),
  );
  ware.release(held);
  await lifecycle.recover();
  expect(made).toEqual(["large res_1", "withdrew res_1"]);
  expect(resources.find("res_1")).toBeUndefined();
  const order = { ...quote, configuration: {}, quote_id: quote.id, quote_hash: quote.hash };
  expect(quotes.check({ ...order, resource_id: undefined }, CONNECTION).id).toBe(quote.id);
});

test("a held resource is nobody's yet: what it opens is handed out when the money has moved", async () => {
  const { parts, lifecycle, quote, record, resources } = open();
  const ware = resourceWare(parts, lifecycle, never);
  const held = { connection: CONNECTION, order: { record, quoteId: quote.id }, payment: "pay-1" };
  ware.hold(held);
  await ware.prepare?.(held);
  expect(resources.find("res_1")?.status).toBe("ordered");
  const answer = ware.deliver({ ...held, sale: { amount: 1n, validBefore: 2n } as never }) as {
    body: object;
  };
  expect(answer.body).toMatchObject({ status: "complete" });
  expect(resources.find("res_1")?.sale).toEqual({ amount: 1n, validBefore: 2n });
});

test("a change whose payment never came is undone", async () => {
  const { parts, lifecycle, made, quote, record, resources } = open();
  const small = {
    ...record,
    serviceId: "small",
    status: "complete" as const,
    access: { SIZE: "small" },
  };
  resources.save(small);
  const changes = openChanges(parts, lifecycle);
  const ware = changes.ware(never);
  const to = { serviceId: "large", configuration: {} };
  const order = {
    id: "chg_1",
    resourceId: "res_1",
    to,
    billing: undefined,
    quoteId: quote.id,
    fingerprint: "f",
  };
  const held = { connection: CONNECTION, order, payment: "pay-1" };
  ware.hold(held);
  await ware.prepare?.(held);
  ware.release(held);
  await changes.recover();
  expect(made).toEqual(["large res_1", "small res_1"]);
  expect(resources.find("res_1")).toMatchObject({ serviceId: "small", access: { SIZE: "small" } });
});

test("what is not renewed goes on for a week, is suspended for the rest of a month, and is then withdrawn", async () => {
  const { parts, lifecycle, made, record, resources } = open();
  const clock = { now: 0 };
  const day = 24 * 60 * 60 * 1000;
  const stopping = {
    ...parts,
    now: () => clock.now,
    provider: {
      ...parts.provider,
      suspend: { large: ({ id }: { id: string }) => void made.push(`suspended ${id}`) },
    },
  };
  resources.save({ ...record, status: "complete", paidUntil: 0 });
  resources.save({ ...record, id: "res_2", status: "complete" });
  const after = async (days: number) => {
    clock.now = days * day;
    await stopUnpaid(stopping, lifecycle);
    return resources.find("res_1");
  };
  expect((await after(6.99))?.suspendedAt).toBeUndefined();
  expect((await after(7))?.suspendedAt).toBe(7 * day);
  expect((await after(29.99))?.status).toBe("complete");
  expect((await after(30))?.status).toBe("removed");
  expect(made).toEqual(["suspended res_1", "withdrew res_1"]);
  expect(resources.find("res_2"), "what is paid once has no end").toMatchObject({
    status: "complete",
  });
});
