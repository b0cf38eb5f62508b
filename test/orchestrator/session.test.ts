/** What a signed-in person's own program can do, and that nobody is asked anything in it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ConnectionView,
  HMAC_HEADER,
  LlmContext,
  ProjectStatus,
  Secret,
  ServicesEnvelope,
  verifyHmac,
} from "../../protocol/index.ts";
import { codeOf, type DeskWorld, openDeskWorld } from "./desk-world.ts";
import { type Caller, openSession } from "./session-caller.ts";

let world: DeskWorld;
let me: Caller;
let project: string;

beforeAll(async () => {
  world = await openDeskWorld();
  me = openSession(world);
  project = world.project;
});
afterAll(() => world[Symbol.asyncDispose]());

test("a session says whose it is, and ends", async () => {
  const other = openSession(world, { agent: "editor" });
  expect((await other.get("/v1/session")).body).toMatchObject({
    user: { email: "ada@example.com" },
    agent: "editor",
  });
  await other.delete("/v1/session");
  expect(codeOf(await other.get("/v1/session"))).toBe("SESSION_EXPIRED");
});

test("without a session there is no answer", async () => {
  const response = await fetch(`${world.server.url}/v1/projects`);
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: { code: "SESSION_REQUIRED" } });
});

test("a project is made once for a key", async () => {
  const order = { name: "shop", idempotency_key: "k1" };
  const first = await me.post("/v1/projects", order);
  const again = await me.post("/v1/projects", order);
  expect(again.body["id"]).toBe(first.body["id"]);
  const list = (await me.get("/v1/projects")).body["projects"] as { name: string }[];
  expect(list.map(({ name }) => name)).toEqual(["nimbus", "shop"]);
});

test("another person's project is not there", async () => {
  const eve = { id: "usr_eve", email: "eve@example.com", name: "Eve", emailVerified: true };
  const stranger = openSession(world, { user: eve });
  for (const path of [
    "",
    "/connections",
    "/resources",
    "/env",
    "/consents",
    "/secret-reads",
    "/variables",
    "/spend",
  ]) {
    const answer = await stranger.get(`/v1/projects/${project}${path}`);
    expect(codeOf(answer)).toBe("PROJECT_UNKNOWN");
  }
  expect((await stranger.get("/v1/projects")).body["projects"]).toEqual([]);
});

test("the catalog comes in the published envelope, narrowed by provider and words", async () => {
  const all = ServicesEnvelope.parse((await me.get("/v1/services")).body);
  expect(all.data.services).toHaveLength(6);
  const found = ServicesEnvelope.parse((await me.get("/v1/services?query=A%20STORE")).body);
  expect(found.command).toBe("search");
  expect(found.data.source).toBe("cache");
  expect(found.data.services.map(({ reference }) => reference)).toEqual(["harbour/box"]);
  expect(codeOf(await me.get("/v1/services?provider=nobody"))).toBe("PROVIDER_UNKNOWN");
});

test("who calls providers has their addresses and operations, a person's program as a run", async () => {
  const { body } = await me.get("/v1/catalog");
  expect(body).toMatchObject({ data: { providers: [{ baseUrl: world.provider.url }] } });
  expect(await world.startAgent().get("/v1/catalog")).toEqual({ status: 200, body });
});

test("who has the catalog already is told so, also when it was read anew, until something in it changes", async () => {
  const token = world.server.orchestrator.startSession({
    agent: "cli",
    expiresAt: world.clock.now + 3_600_000,
  });
  const read = async (etag = "") => {
    const headers = { authorization: `Bearer ${token.reveal()}`, "if-none-match": etag };
    const response = await fetch(`${world.server.url}/v1/services`, { headers });
    const { length } = await response.text();
    return { status: response.status, etag: response.headers.get("etag") ?? "", length };
  };
  const first = await read();
  expect(first.status).toBe(200);
  expect(await read(`"x", ${first.etag}`)).toEqual({ status: 304, etag: first.etag, length: 0 });
  world.clock.now += 61_000;
  expect((await read(first.etag)).status, "read anew, and the same").toBe(304);
  world.provider.manners.catalog = (page) => ({ ...page, data: page.data.slice(1) });
  world.clock.now += 61_000;
  const changed = await read(first.etag);
  delete world.provider.manners.catalog;
  world.clock.now += 61_000;
  expect([changed.status, changed.etag === first.etag]).toEqual([200, false]);
});

test("a provider's words stand in a model's text as quoted data", async () => {
  const { text } = LlmContext.parse((await me.get("/v1/providers/harbour/llm-context")).body);
  expect(text).toContain(
    '- `harbour/crane`: deployable, $5.00 month, added with `add harbour/crane`; described as "Costs money.".',
  );
});

test("terms are accepted in the call, by version, and nobody is asked", async () => {
  const path = `/v1/projects/${project}/connections`;
  const refused = await me.post(path, { provider: "harbour" });
  expect(refused.body["error"]).toMatchObject({
    code: "TOS_ACCEPTANCE_REQUIRED",
    details: { provider: "harbour", tos_version: "2026-01", confirmations_required: "tos" },
  });
  const older = await me.post(path, { provider: "harbour", accept_terms: "2025-12" });
  expect(codeOf(older)).toBe("TOS_ACCEPTANCE_REQUIRED");
  expect(world.provider.accounts.size).toBe(0);
  const made = await me.post(path, { provider: "harbour", accept_terms: "2026-01" });
  expect(ConnectionView.parse(made.body)).toMatchObject({ status: "active", account_id: "acc_1" });
  expect(world.asks).toEqual([]);
  expect(world.server.orchestrator.asks()).toMatchObject([{ kind: "terms", answer: "accept" }]);
});

test("a free service is added, and what it brought is read by its owner alone", async () => {
  world.provider.manners.access = { BOX_REGION: "north", BOX_TOKEN: "box-token-of-ada" };
  const order = { service: "harbour/box", idempotency_key: "box", name: "store" };
  const { body } = await me.post(`/v1/projects/${project}/resources`, order);
  expect(body).toMatchObject({ status: "complete", access: { BOX_REGION: "north" } });
  expect(JSON.stringify(body)).not.toContain("box-token-of-ada");
  const path = `/v1/projects/${project}/resources/${String(body["id"])}`;
  expect((await me.get(`${path}/access`)).body["values"]).toMatchObject({
    BOX_TOKEN: "box-token-of-ada",
  });
  const reads = (await me.get(`/v1/projects/${project}/secret-reads`)).body["reads"];
  expect(reads).toContainEqual(expect.objectContaining({ reader: "session:cli" }));
});

test("a variable of the project's own is listed without its value, read on the audit's list, and no run's to read", async () => {
  const path = `/v1/projects/${project}/variables`;
  await me.put(`${path}/mail-key`, { value: "sk_first" });
  await me.put(`${path}/mail-key`, { value: "sk_second" });
  expect((await me.get(path)).body).toEqual({ variables: [{ name: "mail-key" }] });
  const { body } = await me.get(`${path}/mail-key`);
  expect(body).toEqual({ name: "mail-key", value: "sk_second" });
  const reads = (await me.get(`/v1/projects/${project}/secret-reads`)).body["reads"];
  expect(reads).toContainEqual(
    expect.objectContaining({ handle: "var:mail-key", reader: "session:cli" }),
  );
  expect(codeOf(await world.startAgent().get("/v1/credentials/var:mail-key"))).toBe(
    "CREDENTIAL_UNKNOWN",
  );
  expect((await me.delete(`${path}/mail-key`)).body).toEqual({ deleted: true });
  expect(codeOf(await me.get(`${path}/mail-key`))).toBe("VARIABLE_UNKNOWN");
  expect(codeOf(await me.delete(`${path}/mail-key`))).toBe("VARIABLE_UNKNOWN");
});

test.each([
  ["a name that is a path", "a%2Fb", "x"],
  ["a value that is no text", "fine", 1],
  ["an empty value", "fine", ""],
])("%s is no variable", async (_, name, value) => {
  const path = `/v1/projects/${project}/variables/${name}`;
  expect(codeOf(await me.put(path, { value }))).toBe("REQUEST_INVALID");
});

test("the project's state is one answer", async () => {
  const status = ProjectStatus.parse((await me.get(`/v1/projects/${project}`)).body);
  expect(status).toMatchObject({ name: "nimbus", connections: [{ provider: "harbour" }] });
  expect(status.resources).toHaveLength(1);
});

test("a provider is added by its URL, by the owner alone", async () => {
  const other = await world.addProvider({ id: "quay" });
  const { body } = await me.post("/v1/providers", { url: other.url });
  expect(body).toMatchObject({ id: "quay", base_url: other.url });
  const eve = { id: "usr_eve", email: "eve@example.com", name: "Eve", emailVerified: true };
  const stranger = openSession(world, { user: eve });
  expect(codeOf(await stranger.post("/v1/providers", { url: other.url }))).toBe("NOT_ALLOWED");
  expect((await me.delete("/v1/providers/quay")).body).toEqual({ removed: true });
});

test("a run that a session starts works within its budget", async () => {
  const expires_at = new Date(world.clock.now + 60_000).toISOString();
  const grant = { budget: "5.00", providers: ["harbour"], expires_at };
  const { body } = await me.post(`/v1/projects/${project}/runs`, grant);
  expect(body).toMatchObject({ budget: "5.00", providers: ["harbour"] });
});

test("the cap is the person's to set", async () => {
  const { body } = await me.put(`/v1/projects/${project}/caps/harbour`, { amount: "7.00" });
  expect(body).toMatchObject({ provider: "harbour", cap: "7.00" });
  expect(world.provider.mandates.at(-1)).toMatchObject({ max_amount_per_month: "7.00" });
});

test("where a secret is shared, what is sent to a provider is signed with it too, and with both while it is changed", async () => {
  const { orchestrator } = world.server;
  const { url } = world.provider;
  const secrets = [new Secret("whsec_new"), new Secret("whsec_old")];
  await orchestrator.shareSecrets({ url, secrets });
  const order = { service: "harbour/berth", idempotency_key: "signed" };
  expect((await me.post(`/v1/projects/${project}/resources`, order)).status).toBe(200);
  const { headers, body } = world.provider.requests.findLast(
    ({ path }) => path === "/provisioning/resources",
  )!;
  const header = String(headers[HMAC_HEADER]);
  for (const secret of ["whsec_new", "whsec_old"])
    verifyHmac(header, body, { secrets: [secret], now: world.clock.now });
  const forged = () => verifyHmac(header, body, { secrets: ["other"], now: world.clock.now });
  expect(forged).toThrow(expect.objectContaining({ code: "SIGNATURE_INVALID" }));
});
