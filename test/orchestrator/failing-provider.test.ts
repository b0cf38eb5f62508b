/** Providers that fail at a step, or lie in an answer: what is told, that nothing is left behind, and that asking again mends it. */
import type { Request, Response } from "express";
import { expect, test } from "vitest";
import { codeOf, type DeskWorld, openDeskWorld } from "./desk-world.ts";
import { type Caller, openSession } from "./session-caller.ts";

const ORDER = {
  service: "harbour/box",
  idempotency_key: "box",
  accept_terms: "2026-01",
};

async function open(): Promise<{ world: DeskWorld; me: Caller; at: string } & AsyncDisposable> {
  const world = await openDeskWorld({ timeoutMs: 1000 });
  return {
    world,
    me: openSession(world),
    at: `/v1/projects/${world.project}`,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const FAILURES: [string, (request: Request, response: Response) => void][] = [
  ["answers 500", (_, response) => void response.status(500).end()],
  ["hangs up", (request) => void request.socket.destroy()],
  ["never answers", () => {}],
];
const METADATA = "/.well-known/openid-configuration";
const STEPS = [
  METADATA,
  "/provisioning/account_requests",
  "/oauth/token",
  "/provisioning/resources",
];

test.each(STEPS.flatMap((step) => FAILURES.map(([how, fail]) => [step, how, fail] as const)))(
  "a provider that at %s %s: the same order succeeds later, with one account and one resource",
  async (step, _how, fail) => {
    await using opened = await open();
    const { world, me, at } = opened;
    world.provider.manners.intercept.set(step, fail);
    expect(codeOf(await me.post(`${at}/resources`, ORDER))).toBe("PROVIDER_UNAVAILABLE");
    expect((await me.get(`${at}/resources`)).body).toEqual({ resources: [] });
    world.provider.manners.intercept.clear();
    expect((await me.post(`${at}/resources`, ORDER)).body).toMatchObject({ status: "complete" });
    expect([world.provider.accounts.size, world.provider.resources.size]).toEqual([1, 1]);
  },
);

test.each(FAILURES)(
  "a provider that %s when a token is to be renewed is asked again, and keeps its account",
  async (_how, fail) => {
    await using opened = await open();
    const { world, me, at } = opened;
    await me.post(`${at}/resources`, ORDER);
    world.clock.now += 24 * 3_600_000;
    const again = openSession(world);
    const another = { ...ORDER, idempotency_key: "two", configuration: { name: "two" } };
    world.provider.manners.intercept.set("/oauth/token", fail);
    const failed = await again.post(`${at}/resources`, another);
    expect(codeOf(failed)).toBe("PROVIDER_UNAVAILABLE");
    world.provider.manners.intercept.clear();
    const made = await again.post(`${at}/resources`, another);
    expect(made.body).toMatchObject({ status: "complete" });
    expect([world.provider.accounts.size, world.provider.resources.size]).toEqual([1, 2]);
  },
);

test("an answer that was lost is asked for again by the same key, also by another order of the same thing", async () => {
  await using opened = await open();
  const { world, me, at } = opened;
  await me.post(`${at}/connections`, { provider: "harbour", accept_terms: "2026-01" });
  const keys: string[] = [];
  world.provider.manners.intercept.set("/provisioning/resources", (request) => {
    keys.push(request.get("idempotency-key") ?? "");
    request.socket.destroy();
  });
  await me.post(`${at}/resources`, ORDER);
  await me.post(`${at}/resources`, { ...ORDER, idempotency_key: "another" });
  expect(new Set(keys).size).toBe(1);
});

const answering =
  (body: object, status = 200) =>
  (_: Request, response: Response) =>
    void response.status(status).json(body);
const complete = (service_id: string) => ({
  status: "complete",
  id: "r_1",
  service_id,
  complete: { access_configuration: {} },
});

test.each([
  ["delivers another service", answering(complete("crane")), "PROVIDER_INVALID"],
  ["says that it is removed", answering({ status: "removed", id: "r_1" }), "PROVIDER_INVALID"],
  ["asks money for what is free", answering({ error: "pay" }, 402), "NOT_FOR_SALE"],
  [
    "redirects elsewhere",
    (_: Request, response: Response) => response.redirect("https://x.example"),
    "PROVIDER_INVALID",
  ],
])("a provider that %s is refused, and nothing is added", async (_what, answer, code) => {
  await using opened = await open();
  const { world, me, at } = opened;
  world.provider.manners.intercept.set("/provisioning/resources", answer);
  expect(codeOf(await me.post(`${at}/resources`, ORDER))).toBe(code);
  expect((await me.get(`${at}/resources`)).body).toEqual({ resources: [] });
});

test("a provider that asks round after round, and fails in between, is told all that was answered, under one key", async () => {
  await using opened = await open();
  const { world, me, at } = opened;
  const asking = (field: string) => ({
    status: "needs_information",
    id: "r_1",
    needs_information: { schema: { type: "object", required: [field] } },
  });
  const answers = [
    answering(asking("team")),
    answering(asking("region")),
    answering({}, 503),
    answering(complete("box")),
  ];
  const told: unknown[] = [];
  const keys = new Set<unknown>();
  world.provider.manners.intercept.set("/provisioning/resources", (request, response) => {
    told.push(
      (JSON.parse(String(request.body)) as Record<string, unknown>)["submitted_information"],
    );
    keys.add(request.get("idempotency-key"));
    answers.shift()?.(request, response);
  });
  const { body } = await me.post(`${at}/resources`, ORDER);
  expect(body).toMatchObject({ information_schema: { required: ["team"] } });
  const path = `${at}/resources/${String(body["id"])}/information`;
  const asked = await me.post(path, { information: { team: "t" } });
  expect(asked.body).toMatchObject({ information_schema: { required: ["region"] } });
  const region = { information: { region: "eu" } };
  expect(codeOf(await me.post(path, region))).toBe("PROVIDER_UNAVAILABLE");
  expect((await me.post(path, region)).body).toMatchObject({ status: "complete" });
  const whole = { team: "t", region: "eu" };
  expect(told).toEqual([undefined, { team: "t" }, whole, whole]);
  expect(keys.size).toBe(1);
});

test("a link into a dashboard leads to the provider, or nowhere", async () => {
  await using opened = await open();
  const { world, me, at } = opened;
  await me.post(`${at}/connections`, { provider: "harbour", accept_terms: "2026-01" });
  const expires_at = new Date(world.clock.now + 600_000).toISOString();
  const link = (url: string) => answering({ purpose: "dashboard", url, expires_at });
  const ask = () => me.post(`${at}/deep_links`, { provider: "harbour" });
  world.provider.manners.intercept.set("/provisioning/deep_links", link("https://phish.example/"));
  expect(codeOf(await ask())).toBe("PROVIDER_INVALID");
  const own = `${world.provider.url}/dashboard?once=1`;
  world.provider.manners.intercept.set("/provisioning/deep_links", link(own));
  expect((await ask()).body).toMatchObject({ url: own });
});

test.each(FAILURES)(
  "a provider that at a deep link %s: it is told so, and the next one opens",
  async (_how, fail) => {
    await using opened = await open();
    const { world, me, at } = opened;
    await me.post(`${at}/connections`, { provider: "harbour", accept_terms: "2026-01" });
    const ask = () => me.post(`${at}/deep_links`, { provider: "harbour" });
    const { intercept } = world.provider.manners;
    intercept.set("/provisioning/deep_links", fail);
    const failed = await ask();
    expect([failed.status, codeOf(failed)]).toEqual([502, "PROVIDER_UNAVAILABLE"]);
    const url = `${world.provider.url}/dashboard?once=1`;
    const expires_at = new Date(world.clock.now + 600_000).toISOString();
    intercept.set("/provisioning/deep_links", answering({ purpose: "dashboard", url, expires_at }));
    expect((await ask()).body).toMatchObject({ url });
  },
);

test("what is one project's is not in another of the same person", async () => {
  await using opened = await open();
  const { me, at } = opened;
  const { body } = await me.post(`${at}/resources`, ORDER);
  const other = await me.post("/v1/projects", { name: "other" });
  const there = `/v1/projects/${String(other.body["id"])}`;
  const path = `${there}/resources/${String(body["id"])}`;
  for (const answer of [
    await me.get(path),
    await me.get(`${path}/access`),
    await me.post(`${path}/rotate`, { idempotency_key: "x" }),
    await me.post(`${path}/remove`, { confirm: ["destructive"] }),
  ]) {
    expect(codeOf(answer)).toBe("RESOURCE_NOT_FOUND");
  }
});

test("a consent is one agent's, for its scopes, until it is revoked", async () => {
  await using opened = await open();
  const { world, me, at } = opened;
  await me.post(`${at}/connections`, { provider: "harbour", accept_terms: "2026-01" });
  const agent = world.startAgent();
  world.answers["consent"] = "decline";
  expect(codeOf(await agent.get("/v1/credentials/cred:harbour"))).toBe("AGENT_NOT_ADMITTED");
  const grant = (scopes: string[]) =>
    me.post(`${at}/consents`, { provider: "harbour", agent: "agent", scopes });
  await grant(["resources"]);
  expect(codeOf(await agent.get("/v1/credentials/cred:harbour"))).toBe("SCOPE_MISSING");
  const { accept_terms: _the_persons, ...runs } = ORDER;
  expect((await agent.post("/resources", runs)).status).toBe(200);
  const { body } = await grant(["account"]);
  expect((await agent.get("/v1/credentials/cred:harbour")).status).toBe(200);
  await me.delete(`${at}/consents/${String(body["id"])}`);
  expect(codeOf(await agent.get("/v1/credentials/cred:harbour"))).toBe("AGENT_NOT_ADMITTED");
  const order = { ...runs, configuration: { name: "two" }, idempotency_key: "two" };
  expect(codeOf(await agent.post("/resources", order))).toBe("AGENT_NOT_ADMITTED");
});

test("the vault's key is changed, and every secret is still there under the new one alone", async () => {
  await using opened = await open();
  const { world, me, at } = opened;
  world.provider.manners.access = { BOX_TOKEN: "box-token-of-ada" };
  const { body } = await me.post(`${at}/resources`, ORDER);
  await world.server.orchestrator.rotateVaultKey();
  await world.reopen();
  const again = openSession(world);
  const path = `${at}/resources/${String(body["id"])}/access`;
  expect((await again.get(path)).body["values"]).toEqual({ BOX_TOKEN: "box-token-of-ada" });
});
