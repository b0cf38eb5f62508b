/** Our orchestrator at a provider that is not ours and speaks APP 0.1d as it is published: HMAC alone, prices as texts, no mandate. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secret } from "../../protocol/index.ts";
import { codeOf, type DeskWorld, openDeskWorld } from "./desk-world.ts";
import { type PlainProviderDouble, startPlainProvider } from "./plain-provider.ts";
import { type Caller, openSession } from "./session-caller.ts";

let world: DeskWorld;
let stranger: PlainProviderDouble;
let me: Caller;
let at: string;
const TERMS = { accept_terms: "2026-02" };
const SAID = {
  id: "stranger",
  name: "The Stranger",
  tos_url: "https://stranger.example/terms",
  tos_version: "2026-02",
  scopes: ["read", "write"],
};

beforeEach(async () => {
  world = await openDeskWorld({ clock: { now: Date.now() } });
  stranger = await startPlainProvider();
  await share("whsec_one");
  me = openSession(world);
  at = `/v1/projects/${world.project}`;
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await stranger[Symbol.asyncDispose]();
});

const share = (...secrets: string[]) =>
  world.server.orchestrator.addPlainProvider({
    ...SAID,
    url: stranger.url,
    secrets: secrets.map((secret) => new Secret(secret)),
  });
const connect = () => me.post(`${at}/connections`, { provider: "stranger", ...TERMS });
const add = (service: string, key = service) =>
  me.post(`${at}/resources`, { service: `stranger/${service}`, idempotency_key: key, ...TERMS });

test("the whole path: catalog, account, token, plan, database, its secret, another size, and its end", async () => {
  const catalog = (await me.get("/v1/services?provider=stranger")).body;
  expect(catalog["data"]).toMatchObject({
    services: [
      { reference: "stranger/hobby", availability: "available" },
      { reference: "stranger/postgres", availability: "available" },
      { reference: "stranger/postgres:ha" },
      { reference: "stranger/asking" },
      { reference: "stranger/greedy" },
    ],
  });
  expect(catalog["warnings"]).toEqual([expect.stringContaining("1 services of")]);
  expect(codeOf(await add("postgres"))).toBe("PLAN_REQUIRED");
  expect((await add("hobby")).body).toMatchObject({ status: "complete" });
  const { body } = await add("postgres");
  expect(body).toMatchObject({ status: "complete", access: { REGION: "eu" } });
  const id = String(body["id"]);
  const values = async () =>
    ((await me.get(`${at}/resources/${id}/access`)).body["values"] as Record<string, string>)[
      "DATABASE_URL"
    ];
  const before = await values();
  expect(before).toMatch(/^postgres:\/\/u:/);
  await me.post(`${at}/resources/${id}/rotate`, { idempotency_key: "r" });
  expect(await values()).not.toBe(before);
  const order = { idempotency_key: "u", service: "stranger/postgres:ha", direction: "up" };
  expect((await me.post(`${at}/resources/${id}/update`, order)).body).toMatchObject({
    service: "stranger/postgres:ha",
  });
  const end = await me.post(`${at}/resources/${id}/remove`, { confirm: ["destructive"] });
  expect(end.body).toMatchObject({ status: "removed" });
  expect((await add("hobby")).body, "the same key, the same plan").toMatchObject({
    status: "complete",
  });
  expect(stranger.resources.size).toBe(2);
});

test("nothing of ours goes to it: no JWT, assertion, mandate, client id or PKCE, and its scopes are the human's words", async () => {
  await add("hobby");
  for (const { headers } of stranger.heard) {
    expect(headers).toHaveProperty("stripe-signature");
    expect(Object.keys(headers).filter((name) => name.includes("v2"))).toEqual([]);
  }
  const request = stranger.heard.find(({ path }) => path.endsWith("account_requests"))!;
  expect(JSON.parse(request.body)).toMatchObject({
    scopes: ["read", "write"],
    kyc: { verified_fields: ["email"] },
    orchestrator: { type: "stripe", stripe: { account: expect.stringMatching(/^acct_\w{24}$/) } },
  });
});

test("tokens may come at once, and are refreshed by a signed form", async () => {
  stranger.manners.account = "credentials";
  stranger.manners.expiresIn = 120;
  expect((await add("hobby")).body).toMatchObject({ status: "complete" });
  world.clock.now += 90_000;
  expect((await add("postgres")).body).toMatchObject({ status: "complete" });
  const forms = stranger.heard.filter(({ path }) => path.endsWith("/oauth/token"));
  expect(forms.map(({ body }) => new URLSearchParams(body).get("grant_type"))).toEqual([
    "refresh_token",
  ]);
});

test.each(["requires_auth", "redirect"] as const)(
  "an owner who must consent is sent to its page (%s), and the same call goes on afterwards",
  async (way) => {
    stranger.manners.account = way;
    const asked = await connect();
    expect(codeOf(asked)).toBe("CONSENT_REQUIRED");
    expect(asked.body["error"]).toMatchObject({ details: { url: `${stranger.url}/consent` } });
    await connect();
    const ids = stranger.heard
      .filter(({ path }) => path.endsWith("account_requests"))
      .map(({ body }) => (JSON.parse(body) as { id: string }).id);
    expect(new Set(ids).size, "it is one request").toBe(1);
    stranger.manners.account = "oauth";
    expect((await connect()).body).toMatchObject({ status: "active" });
  },
);

test("a provider that is still registering us is asked again later", async () => {
  stranger.manners.account = "registering";
  const answer = await connect();
  expect(codeOf(answer)).toBe("PROVIDER_UNAVAILABLE");
  expect(answer.body["error"]).toMatchObject({ details: { retry_after: "7" } });
  stranger.manners.account = "oauth";
  expect((await connect()).status).toBe(200);
});

test("its refusal keeps its code", async () => {
  stranger.manners.account = "error";
  const answer = await connect();
  expect(answer.body["error"]).toMatchObject({
    code: "PROVIDER_REFUSED",
    details: { provider_code: "team_resolution_failed" },
  });
});

test("while the secret is changed both sign, and a wrong one signs nothing", async () => {
  await share("whsec_one", "whsec_two");
  stranger.manners.secrets = ["whsec_two"];
  expect((await add("hobby")).body).toMatchObject({ status: "complete" });
  stranger.manners.secrets = ["whsec_three"];
  const refused = await add("asking");
  expect(refused.body["error"]).toMatchObject({ details: { provider_code: "invalid_signature" } });
});

test("what it asks before it goes on is answered under the same key", async () => {
  const { body } = await add("asking");
  expect(body).toMatchObject({
    status: "needs_information",
    information_schema: { required: ["team"] },
  });
  const path = `${at}/resources/${String(body["id"])}/information`;
  expect((await me.post(path, { information: { team: "t1" } })).body).toMatchObject({
    status: "complete",
  });
  expect(stranger.resources.size).toBe(1);
});

test("a service that its catalog calls free and that wants to be paid is not added and not paid", async () => {
  const refused = await add("greedy");
  expect(refused.body["error"]).toMatchObject({
    code: "PROVIDER_REFUSED",
    details: { provider_code: "requires_payment_credentials" },
  });
  expect((await me.get(`${at}/resources`)).body).toEqual({ resources: [] });
});

test("it asks nobody about a second agent, so the person is asked here", async () => {
  await connect();
  world.answers["consent"] = "decline";
  const answer = await world.startAgent().post("/connections", { provider: "stranger" });
  expect(codeOf(answer)).toBe("AGENT_NOT_ADMITTED");
  expect(world.asks.at(-1)).toMatchObject({ kind: "consent", provider: "stranger" });
});

test("settings for an account there are not held against a schema that it has published nowhere", async () => {
  const order = { service: "stranger/hobby", idempotency_key: "look" };
  const looked = await me.post(`${at}/preflight`, {
    ...order,
    provider_configuration: { team: "t1" },
  });
  expect(looked.body["checks"]).toContainEqual({ label: "Settings of the account", pass: true });
});

test("what the human says of it is checked before it is added", async () => {
  const wrong = { ...SAID, id: "Not An Id", url: stranger.url, secrets: [] };
  await expect(world.server.orchestrator.addPlainProvider(wrong)).rejects.toMatchObject({
    code: "REQUEST_INVALID",
  });
});
