/** The life of resources at a provider made with the kit, with real money on a real chain. Each test has a project of its own. */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ProvisioningQuote, Quote, quoteHash, type Resource } from "../../protocol/index.ts";
import { openBrowser } from "../provider/browser.ts";
import type { Crooked } from "../../provider/index.ts";
import { openDatabase } from "../../store/index.ts";
import { codeOf } from "./desk-world.ts";
import { type GreenhouseWorld, openGreenhouseWorld } from "./greenhouse-world.ts";
import { type Caller, openSession } from "./session-caller.ts";

let world: GreenhouseWorld;
let me: Caller;
let at: string;
let keys = 0;
const TERMS = "2026-04-30";

beforeAll(async () => {
  world = await openGreenhouseWorld();
  me = openSession(world);
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  const { id } = world.server.orchestrator.createProject({ name: "garden" });
  at = `/v1/projects/${id}`;
  world.opened.mood = "well";
  world.faults.clear();
  world.lies.clear();
  for (const way of ["overcharge", "payTo"] as const) delete world.crooked[way];
});

const newKey = () => `key-${(keys += 1)}`;
const add = (service: string, fields: object = {}) =>
  me.post(`${at}/resources`, {
    service: `greenhouse/${service}`,
    idempotency_key: newKey(),
    accept_terms: TERMS,
    ...fields,
  });
const made = async (service: string, fields: object = {}): Promise<Resource> => {
  const { status, body } = await add(service, fields);
  expect([status, body]).toMatchObject([200, { service: `greenhouse/${service}` }]);
  return body as unknown as Resource;
};
const detailsOf = ({ body }: { body: Record<string, unknown> }) =>
  (body["error"] as { details: Record<string, string> }).details;

test("what costs money is refused with its quote, and added at that price, once", async () => {
  const before = await world.spent();
  const asked = await add("pot:large");
  expect(codeOf(asked)).toBe("PAYMENT_CONFIRMATION_REQUIRED");
  const { quote_id: quote, ...details } = detailsOf(asked);
  expect(details).toMatchObject({
    amount: "20.00",
    interval: "month",
    confirmations_required: "paid",
  });
  expect(await world.spent()).toBe(before);
  const idempotency_key = newKey();
  const [first, again] = [
    await made("pot:large", { quote, idempotency_key }),
    await made("pot:large", { quote, idempotency_key }),
  ];
  expect(first).toMatchObject({ status: "complete", access: { PLANT: "pot:large" } });
  expect(again.id).toBe(first.id);
  expect((await made("pot:large", { quote })).id).toBe(first.id);
  expect((await world.spent()) - before).toBe(20_000_000n);
  expect((await me.get(at)).body).toMatchObject({
    purchases: [{ service: "greenhouse/pot:large", state: "settled", amount: "20.00" }],
    spend: [{ provider: "greenhouse", spent: "20.00" }],
  });
});

test("a part of a plan wants a plan first, and costs what it costs under that plan", async () => {
  expect(codeOf(await add("trellis"))).toBe("PLAN_REQUIRED");
  await made("pot:small");
  const before = await world.spent();
  const asked = await add("trellis");
  expect(codeOf(asked)).toBe("PAYMENT_CONFIRMATION_REQUIRED");
  const { quote_id: quote, amount } = detailsOf(asked);
  expect(amount).toBe("3.00");
  await made("trellis", { quote });
  expect((await world.spent()) - before).toBe(3_000_000n);
});

test("what the schema wants as a number or a boolean is quoted and bought as one, and refused where it is none", async () => {
  const configuration = { rare: "no", count: "3", wrapped: "true" };
  for (const wrong of [{ count: "12" }, { count: "03" }, { wrapped: "yes" }])
    expect(codeOf(await add("seed", { configuration: wrong }))).toBe("INPUT_INVALID");
  const { quote_id: quote } = detailsOf(await add("seed", { configuration }));
  const { id } = await made("seed", { configuration, quote });
  expect(id).toBe((await made("seed", { configuration })).id);
  // The provider's functions have texts in any case.
  expect(world.opened.done.at(-1)).toContain('"count":"3","rare":"no","wrapped":"true"');
});

test("a quote buys what it was given for, and nothing else", async () => {
  const rare = { configuration: { rare: "no" } };
  const { quote_id: quote } = detailsOf(await add("seed", rare));
  expect(codeOf(await add("seed", { quote, configuration: { rare: "yes" } }))).toBe(
    "QUOTE_MISMATCH",
  );
  expect(codeOf(await add("seed", { quote: "quo_x", ...rare }))).toBe("QUOTE_UNKNOWN");
});

type Lie = (truth: Record<string, unknown>) => object;
/** A lie that hangs together: its hash is its own. */
const hashed =
  (lie: object): Lie =>
  (truth) => {
    const quote = ProvisioningQuote.parse({ ...truth, ...lie });
    return { ...quote, hash: quoteHash(quote, {}) };
  };

test("a provider that quotes more than its catalog says is not paid", async () => {
  const before = await world.spent();
  await me.post(`${at}/connections`, { provider: "greenhouse", accept_terms: TERMS });
  world.lies.set("quotes", hashed({ amount: "20.01" }));
  const answer = await add("pot:large");
  expect(codeOf(answer)).toBe("QUOTE_ABOVE_CATALOG");
  expect(detailsOf(answer)).toMatchObject({ amount: "20.01", catalog_amount: "20.00" });
  expect(await world.spent()).toBe(before);
});

test("a provider of the kit whose price function asks more says so itself, and the buyer hears whose mistake it is", async () => {
  const answer = await add("seed", { configuration: { rare: "yes" } });
  expect(codeOf(answer)).toBe("PROVIDER_REFUSED");
  expect(detailsOf(answer)).toMatchObject({
    provider_code: "price_not_in_catalog",
    provider_message: expect.stringContaining("The price function of seed asks $7.00"),
  });
});

test.each<[string, Lie]>([
  ["for another service", hashed({ service_id: "pot:small" })],
  ["for another purpose", hashed({ purpose: "renewal" })],
  ["for a resource that nobody named", hashed({ resource_id: "res_another" })],
  ["for once what its catalog bills by the month", hashed({ interval: "one_time" })],
  ["at another price than its hash says", (truth) => ({ ...truth, amount: "1.00" })],
  ["that has expired already", hashed({ expires_at: "2026-01-01T00:00:00Z" })],
])("a provider that quotes %s is not believed, and not paid", async (_what, lie) => {
  const before = await world.spent();
  await me.post(`${at}/connections`, { provider: "greenhouse", accept_terms: TERMS });
  world.lies.set("quotes", lie);
  const answer = await add("pot:large");
  expect([codeOf(answer), world.lies.size]).toEqual(["PROVIDER_INVALID", 1]);
  expect((await me.get(`${at}/resources`)).body).toEqual({ resources: [] });
  expect(await world.spent()).toBe(before);
});

test.each([
  ["upgrade", "another resource", "res_another"],
  ["upgrade", "no resource", undefined],
  ["renewal", "another resource", "res_another"],
  ["renewal", "no resource", undefined],
] as const)("a quote of an %s that names %s is not paid", async (what, _whose, resource_id) => {
  const renewed = what === "renewal";
  const { id } = renewed
    ? await made("pot:large", { quote: detailsOf(await add("pot:large"))["quote_id"] })
    : await made("pot:small");
  const before = await world.spent();
  const up = { idempotency_key: newKey(), service: "greenhouse/pot:large", direction: "up" };
  const order = () =>
    me.post(`${at}/resources/${id}/${renewed ? "renew" : "update"}`, renewed ? {} : up);
  world.lies.set("quotes", hashed({ resource_id }));
  expect(codeOf(await order())).toBe("PROVIDER_INVALID");
  expect(await world.spent()).toBe(before);
  world.lies.clear();
  expect(codeOf(await order()), "of the true one").toBe("PAYMENT_CONFIRMATION_REQUIRED");
});

test("a quote that has expired buys nothing", async () => {
  const { quote_id: quote = "" } = detailsOf(await add("pot:large"));
  {
    using db = openDatabase(join(world.dir, "orchestrator", "orchestrator.db"));
    db.run("UPDATE quote SET expires_at = ? WHERE id = ?", Date.now(), quote);
  }
  const before = await world.spent();
  expect(codeOf(await add("pot:large", { quote }))).toBe("QUOTE_EXPIRED");
  expect(await world.spent()).toBe(before);
});

test.each<[string, Crooked, string]>([
  ["one unit more than it quoted", { overcharge: (amount) => amount + 1n }, "OFFER_PRICE"],
  ["to somebody else", { payTo: "0x2222222222222222222222222222222222222222" }, "OFFER_PAYEE"],
])("a provider that wants to be paid %s is paid nothing", async (_what, crooked, code) => {
  const { quote_id: quote } = detailsOf(await add("pot:large"));
  const [before, done] = [await world.spent(), world.opened.done.length];
  Object.assign(world.crooked, crooked);
  expect(codeOf(await add("pot:large", { quote }))).toBe(code);
  expect(await world.spent()).toBe(before);
  expect((await me.get(at)).body).toMatchObject({
    resources: [],
    spend: [{ spent: "0.00", reserved: "0.00" }],
  });
  expect(world.opened.done).toHaveLength(done);
});

test("the cap holds: what would go beyond it is not added and not paid", async () => {
  await me.post(`${at}/connections`, { provider: "greenhouse", accept_terms: TERMS });
  const asked = await me.post(`${at}/quotes`, { service: "greenhouse/pot:large" });
  const { id: quote } = Quote.parse(asked.body);
  await me.put(`${at}/caps/greenhouse`, { amount: "19.99" });
  const before = await world.spent();
  expect(["CAP_EXCEEDED", "PROVIDER_REFUSED"]).toContain(codeOf(await add("pot:large", { quote })));
  expect(await world.spent()).toBe(before);
  expect((await me.get(`${at}/resources`)).body).toEqual({ resources: [] });
});

test("an agent's run adds what costs money within its budget, and not beyond", async () => {
  const expires_at = new Date(Date.now() + 60_000).toISOString();
  const run = await me.post(`${at}/runs`, { budget: "20.00", expires_at });
  const call = (name: string) =>
    fetch(`${world.server.url}${at}/resources`, {
      method: "POST",
      headers: { authorization: `Bearer ${String(run.body["token"])}` },
      body: JSON.stringify({
        service: "greenhouse/pot:large",
        configuration: { name },
        idempotency_key: newKey(),
      }),
    });
  const before = await world.spent();
  const first = await call("one");
  expect([first.status, await first.json()]).toMatchObject([200, { status: "complete" }]);
  const second = await call("two");
  expect(await second.json()).toMatchObject({ error: { code: "BUDGET_EXCEEDED" } });
  expect((await world.spent()) - before).toBe(20_000_000n);
});

test("an upgrade is paid at its quote, a downgrade costs nothing, and each is made once for its key", async () => {
  const { id } = await made("pot:small");
  const before = await world.spent();
  const change = (fields: object) => me.post(`${at}/resources/${id}/update`, fields);
  const up = { idempotency_key: newKey(), service: "greenhouse/pot:large", direction: "up" };
  expect(codeOf(await change({ ...up, direction: "down" }))).toBe("UPDATE_NOT_ALLOWED");
  const { quote_id: quote } = detailsOf(await change({ ...up, idempotency_key: newKey() }));
  for (const _ of [1, 2]) {
    const { body } = await change({ ...up, quote });
    expect(body).toMatchObject({ service: "greenhouse/pot:large", status: "complete" });
  }
  expect((await world.spent()) - before).toBe(20_000_000n);
  const down = { idempotency_key: newKey(), service: "greenhouse/pot:small", direction: "down" };
  expect((await change(down)).body).toMatchObject({ service: "greenhouse/pot:small" });
  expect((await world.spent()) - before).toBe(20_000_000n);
});

test("rotated credentials take the place of the old ones", async () => {
  const { id } = await made("pot:small");
  const values = async () => (await me.get(`${at}/resources/${id}/access`)).body["values"];
  const before = await values();
  const order = { idempotency_key: newKey() };
  expect((await me.post(`${at}/resources/${id}/rotate`, order)).body).toMatchObject({ id });
  expect(await values()).toMatchObject({ KEY: "another" });
  expect(before).not.toMatchObject({ KEY: "another" });
});

test("removing is confirmed first, is done once, and adding again makes another", async () => {
  const idempotency_key = newKey();
  const { id } = await made("pot:small", { idempotency_key });
  const path = `${at}/resources/${id}/remove`;
  const refused = await me.post(path, {});
  expect(codeOf(refused)).toBe("CONFIRMATION_REQUIRED");
  expect(detailsOf(refused)).toMatchObject({ confirmations_required: "destructive" });
  for (const _ of [1, 2]) {
    expect((await me.post(path, { confirm: ["destructive"] })).body).toMatchObject({
      status: "removed",
    });
  }
  expect(await made("pot:small", { idempotency_key })).toMatchObject({ id, status: "removed" });
  expect((await made("pot:small")).id).not.toBe(id);
});

test("what the provider asks is answered, and the same resource goes on", async () => {
  const asked = await made("grafted");
  expect(asked).toMatchObject({
    status: "needs_information",
    information_schema: { required: ["kind"] },
  });
  const path = `${at}/resources/${asked.id}/information`;
  const { body } = await me.post(path, { information: { kind: "apple" } });
  expect(body).toMatchObject({ id: asked.id, status: "complete" });
  expect(codeOf(await me.post(path, { information: { kind: "pear" } }))).toBe("INVALID_STATE");
});

test("what the account has already is linked", async () => {
  await me.post(`${at}/connections`, { provider: "greenhouse", accept_terms: TERMS });
  const order = { service: "greenhouse/grafted", idempotency_key: newKey() };
  const { body } = await me.post(`${at}/resources/link`, {
    ...order,
    information: { kind: "fig" },
  });
  expect(body).toMatchObject({ status: "complete", access: { KIND: "fig" } });
});

test("what takes time is pending, and complete when it is asked for later", async () => {
  world.opened.mood = "pending";
  const { id, status } = await made("pot:small");
  expect(status).toBe("pending");
  world.opened.mood = "well";
  expect((await me.get(`${at}/resources/${id}`)).body).toMatchObject({ status: "complete" });
});

test.each(["down", "slow", "broken", "lost"] as const)(
  "a provider that is %s when a pending resource is asked after: it is told so, and asking later ends it, paid once",
  async (fault) => {
    const { quote_id: quote } = detailsOf(await add("pot:large"));
    const before = await world.spent();
    world.opened.mood = "pending";
    const { id } = await made("pot:large", { quote });
    world.faults.set("reading", fault);
    const { status, body } = await me.get(`${at}/resources/${id}`);
    expect([status, body]).toMatchObject([
      502,
      { error: { code: "PROVIDER_UNAVAILABLE", nextStep: expect.stringMatching(/later/) } },
    ]);
    expect((await me.get(`${at}/resources`)).body).toMatchObject({
      resources: [{ id, status: "pending" }],
    });
    world.faults.clear();
    world.opened.mood = "well";
    expect((await me.get(`${at}/resources/${id}`)).body).toMatchObject({ status: "complete" });
    expect((await world.spent()) - before).toBe(20_000_000n);
  },
);

test("a payment that the provider did not take is told to be open, and delivered for, once, when it can", async () => {
  const { quote_id: quote } = detailsOf(await add("pot:large"));
  const before = await world.spent();
  world.opened.mood = "broken";
  expect(codeOf(await add("pot:large", { quote }))).toBe("PAYMENT_OPEN");
  expect(await world.spent()).toBe(before);
  expect((await me.get(`${at}/resources`)).body).toMatchObject({
    resources: [{ status: "pending" }],
  });
  world.opened.mood = "well";
  expect(await made("pot:large", { quote })).toMatchObject({ status: "complete" });
  expect((await world.spent()) - before).toBe(20_000_000n);
});

test.each(["down", "slow", "broken"] as const)(
  "a provider that is %s when a price is to be fixed is not paid, and the same order succeeds later",
  async (fault) => {
    await made("pot:small");
    const before = await world.spent();
    world.faults.set("quotes", fault);
    expect(codeOf(await add("pot:large"))).toBe("PROVIDER_UNAVAILABLE");
    expect((await me.get(`${at}/resources`)).body["resources"]).toHaveLength(1);
    world.faults.clear();
    const { quote_id: quote } = detailsOf(await add("pot:large"));
    await made("pot:large", { quote });
    expect((await world.spent()) - before).toBe(20_000_000n);
  },
);

test.each([
  ["resources", "down"],
  ["resources", "slow"],
  ["resources", "broken"],
  ["payment", "down"],
  ["payment", "slow"],
  ["payment", "broken"],
  ["payment", "lost"],
] as const)(
  "where the paid order's %s meets a provider that is %s, the same order ends in one resource and one charge",
  async (step, fault) => {
    await me.post(`${at}/connections`, { provider: "greenhouse", accept_terms: TERMS });
    const asked = await add("pot:large");
    const order = { quote: detailsOf(asked)["quote_id"], idempotency_key: newKey() };
    const [before, done] = [await world.spent(), world.opened.done.length];
    world.faults.set(step, fault);
    const failed = await add("pot:large", order);
    expect(["PROVIDER_UNAVAILABLE", "PAYMENT_OPEN", "PAID_UNDELIVERED"]).toContain(codeOf(failed));
    world.faults.clear();
    await made("pot:large", order);
    expect((await world.spent()) - before).toBe(20_000_000n);
    expect(world.opened.done.length - done).toBe(1);
    expect((await me.get(at)).body).toMatchObject({
      resources: [{ service: "greenhouse/pot:large", status: "complete" }],
      spend: [{ spent: "20.00", reserved: "0.00" }],
    });
  },
);

test.each(
  (["update_service", "rotate_credentials", "remove", "link"] as const).flatMap((step) =>
    (["down", "slow", "broken", "lost"] as const).map((fault) => [step, fault] as const),
  ),
)("a provider that at %s is %s: the same call ends it later, once", async (step, fault) => {
  const size = step === "update_service" ? "pot:large" : "pot:small";
  await me.post(`${at}/connections`, { provider: "greenhouse", accept_terms: TERMS });
  const { body: quote } = await me.post(`${at}/quotes`, { service: `greenhouse/${size}` });
  const { id } = await made(size, size === "pot:large" ? { quote: quote["id"] } : {});
  const path = `${at}/resources/${id}`;
  const order = { idempotency_key: newKey(), service: "greenhouse/pot:small" };
  const grafted = { idempotency_key: newKey(), service: "greenhouse/grafted" };
  const calls = {
    update_service: () => me.post(`${path}/update`, order),
    rotate_credentials: () => me.post(`${path}/rotate`, order),
    remove: () => me.post(`${path}/remove`, { confirm: ["destructive"] }),
    link: () => me.post(`${at}/resources/link`, { ...grafted, information: { kind: "fig" } }),
  };
  world.faults.set(step, fault);
  const first = await calls[step]();
  world.faults.clear();
  expect(codeOf(first)).toBe("PROVIDER_UNAVAILABLE");
  const { status, body } = await calls[step]();
  expect([status, body]).toMatchObject([
    200,
    step === "link" ? { access: { KIND: "fig" } } : { id },
  ]);
  expect((await me.get(`${at}/resources`)).body["resources"]).toMatchObject([
    { status: step === "remove" ? "removed" : "complete" },
    ...(step === "link" ? [{ service: "greenhouse/grafted", status: "complete" }] : []),
  ]);
});

test("a preflight says what is missing, and does nothing", async () => {
  const order = { service: "greenhouse/pot:large", idempotency_key: "x" };
  const { body } = await me.post(`${at}/preflight`, order);
  expect(body).toMatchObject({
    confirmations_required: expect.arrayContaining(["paid"]),
    price: { amount: "20.00", interval: "month" },
  });
  expect((await me.get(`${at}/connections`)).body).toEqual({ connections: [] });
});

test("an unlinked provider's tokens are dead there, and linking again is the person's to do", async () => {
  await made("pot:small");
  const { body } = await me.delete(`${at}/connections/greenhouse`);
  expect(body).toEqual({ unlinked: true, told: true });
  expect((await me.get(`${at}/connections`)).body).toEqual({ connections: [] });
  const consents = (await me.get(`${at}/consents`)).body["consents"] as { revoked_at: string }[];
  expect(consents.every(({ revoked_at }) => revoked_at !== null)).toBe(true);
  expect(codeOf(await me.delete(`${at}/connections/greenhouse`))).toBe("NOT_CONNECTED");
});

test("an account that another user has is linked only when its owner has consented in a browser", async () => {
  await made("pot:small");
  const bob = { id: "usr_bob", email: "ADA@example.com", name: "Bob", emailVerified: true };
  const { id } = world.server.orchestrator.createProject({ name: "bob", user: bob });
  const his = openSession(world, { user: bob });
  const link = () =>
    his.post(`/v1/projects/${id}/connections`, { provider: "greenhouse", accept_terms: TERMS });
  const asked = await link();
  expect(codeOf(asked)).toBe("CONSENT_REQUIRED");
  const { url, user_code } = detailsOf(asked);
  expect(user_code).toMatch(/\w{4}/);
  expect(codeOf(await link())).toBe("CONSENT_REQUIRED");
  const browser = openBrowser();
  const sent = await browser.submit(await browser.open(url!), {}, 'step" value="send');
  const code = /code is ([A-Z-]+)/.exec(world.letters.at(-1)?.text ?? "")?.[1] ?? "";
  const consent = await browser.submit(sent, { code });
  expect((await browser.submit(consent, { answer: "approve" })).text).toContain("Done here");
  expect((await link()).body).toMatchObject({ status: "active" });
});
