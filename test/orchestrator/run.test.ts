import { expect, test } from "vitest";
import { codeOf, openDeskWorld } from "./desk-world.ts";
import { Secret } from "../../protocol/index.ts";

/** Every call that a run may make. */
const CALLS = [
  ["GET", "/v1/catalog"],
  ["GET", "/v1/projects"],
  ["GET", ""],
  ["GET", "/connections"],
  ["POST", "/connections"],
  ["GET", "/resources"],
  ["POST", "/resources"],
  ["GET", "/resources/res_1"],
  ["GET", "/v1/credentials/cred:harbour"],
  ["POST", "/v1/questions"],
  ["POST", "/v1/purchases"],
  ["GET", "/v1/purchases/pur_1"],
  ["POST", "/v1/purchases/pur_1/outcome"],
  ["GET", "/v1/purchases/pur_1/answer"],
  ["POST", "/v1/runs"],
] as const;

test.for(CALLS)("%s %s wants a token", async ([method, path], { expect }) => {
  await using world = await openDeskWorld();
  const url = path.startsWith("/v1") ? path : `/v1/projects/${world.project}${path}`;
  const response = await fetch(world.server.url + url, { method });
  expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  const { error } = (await response.json()) as { error: { code: string } };
  expect(["TOKEN_REQUIRED", "SESSION_REQUIRED"]).toContain(error.code);
  const call = async (token: Secret) => {
    const agent = world.agentOf({ runId: "x", token });
    const answer = await agent.call(method, path, method === "GET" ? undefined : {});
    return [answer.status, codeOf(answer)];
  };
  expect(await call(new Secret("prt_guess"))).toEqual([401, "TOKEN_UNKNOWN"]);
  const { runId, token } = world.startAgent();
  world.server.orchestrator.revokeRun(runId);
  expect(await call(token)).toEqual([401, "TOKEN_REVOKED"]);
});

/** Every other call of a person's own program: a run's token opens none of them, not even in the run's own project. */
const PERSONS = [
  ["GET", "/v1/session"],
  ["DELETE", "/v1/session"],
  ["GET", "/v1/services"],
  ["GET", "/v1/providers"],
  ["POST", "/v1/providers"],
  ["DELETE", "/v1/providers/harbour"],
  ["GET", "/v1/providers/harbour/llm-context"],
  ["POST", "/v1/projects"],
  ["PUT", "/caps/harbour"],
  ["GET", "/spend"],
  ["POST", "/runs"],
  ["DELETE", "/connections/harbour"],
  ["GET", "/consents"],
  ["POST", "/consents"],
  ["DELETE", "/consents/con_1"],
  ["POST", "/preflight"],
  ["POST", "/quotes"],
  ["POST", "/resources/link"],
  ["POST", "/resources/res_1/update"],
  ["POST", "/resources/res_1/rotate"],
  ["POST", "/resources/res_1/renew"],
  ["POST", "/resources/res_1/remove"],
  ["POST", "/resources/res_1/information"],
  ["GET", "/resources/res_1/access"],
  ["GET", "/env"],
  ["GET", "/variables"],
  ["GET", "/variables/MAIL"],
  ["PUT", "/variables/MAIL"],
  ["DELETE", "/variables/MAIL"],
  ["GET", "/secret-reads"],
  ["POST", "/deep_links"],
] as const;

test("a run's token opens no call that is the person's", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent();
  const calls = PERSONS.map(async ([method, path]) => {
    const answer = await agent.call(method, path, method === "GET" ? undefined : {});
    return [method, path, answer.status, codeOf(answer)];
  });
  expect(await Promise.all(calls)).toEqual(PERSONS.map((call) => [...call, 403, "NOT_ALLOWED"]));
});

/** The calls of `CALLS` that name a project. */
const IN_PROJECT = CALLS.filter(([, path]) => !path.startsWith("/v1"));

test("a run's token opens nothing of another project, be it the same person's or another's", async () => {
  const eve = { id: "usr_eve", email: "eve@example.com", name: "Eve", emailVerified: true };
  await using world = await openDeskWorld();
  const { orchestrator } = world.server;
  const { runId, token } = world.startAgent();
  const strange = [{ name: "other" }, { name: "hers", user: eve }].map((order) => {
    return world.agentOf({ runId, token }, orchestrator.createProject(order).id);
  });
  for (const agent of [...strange, world.agentOf({ runId, token }, "prj_none")]) {
    const answers = IN_PROJECT.map(async ([method, path]) =>
      codeOf(await agent.call(method, path, method === "GET" ? undefined : ORDERS[path])),
    );
    expect(await Promise.all(answers)).toEqual(IN_PROJECT.map(() => "PROJECT_UNKNOWN"));
  }
  expect(world.provider.accounts.size).toBe(0);
  expect((await strange[0]!.get("/v1/projects")).body).toMatchObject({
    projects: [{ id: world.project, name: "nimbus" }],
  });
});

const ORDERS: Record<string, object> = {
  "/connections": { provider: "harbour" },
  "/resources": { service: "harbour/box", configuration: {}, idempotency_key: "k" },
};

test("a run that may not use a provider sees nothing that another run has there", async () => {
  await using world = await openDeskWorld();
  const { body } = await world.startAgent().post("/resources", ORDERS["/resources"]);
  const blind = world.startAgent({ providers: ["pier"] });
  expect((await blind.get("/connections")).body).toEqual({ connections: [] });
  expect((await blind.get("/resources")).body).toEqual({ resources: [] });
  expect((await blind.get("")).body).toMatchObject({ connections: [], resources: [], spend: [] });
  expect((await blind.get("/v1/catalog")).body).toMatchObject({ data: { providers: [] } });
  expect(codeOf(await blind.get(`/resources/${String(body["id"])}`))).toBe("PROVIDER_NOT_ALLOWED");
  expect((await world.startAgent().get(`/resources/${String(body["id"])}`)).body).toEqual(body);
});

test("a run cannot say what is the person's to say: their acceptance, and what an agent may do", async () => {
  await using world = await openDeskWorld();
  world.answers["terms"] = "decline";
  const agent = world.startAgent();
  const says = [{ accept_terms: "2026-01" }, { scopes: ["account"] }];
  for (const said of says) {
    const order = { ...ORDERS["/connections"], ...said };
    expect(codeOf(await agent.post("/connections", order))).toBe("NOT_ALLOWED");
  }
  const order = { ...ORDERS["/resources"], accept_terms: "2026-01" };
  expect(codeOf(await agent.post("/resources", order))).toBe("NOT_ALLOWED");
  expect([world.asks, world.provider.accounts.size]).toEqual([[], 0]);
});

test("a token ends with its run's hour", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent({ expiresAt: world.clock.now + 1000 });
  expect((await agent.get("")).status).toBe(200);
  world.clock.now += 1000;
  const answer = await agent.get("");
  expect([answer.status, codeOf(answer)]).toEqual([401, "TOKEN_EXPIRED"]);
});

test("a revoked run can do nothing more, also after a restart", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent();
  world.server.orchestrator.revokeRun(agent.runId);
  await world.reopen();
  expect(codeOf(await agent.get(""))).toBe("TOKEN_REVOKED");
  expect(() => world.server.orchestrator.renewRun({ runId: agent.runId, expiresAt: 0 })).toThrow(
    expect.objectContaining({ code: "RUN_UNKNOWN" }),
  );
});

test("a run that goes on after a crash gets a new token, and the old one ends", async () => {
  await using world = await openDeskWorld();
  const before = world.startAgent({ budget: 7_000_000n });
  await world.reopen();
  const renewed = world.agentOf(
    world.server.orchestrator.renewRun({ runId: before.runId, expiresAt: world.clock.now + 1000 }),
  );
  expect(await renewed.get("")).toMatchObject({
    body: { budget: { total: "7.00", available: "7.00" } },
  });
  expect(codeOf(await before.get(""))).toBe("TOKEN_UNKNOWN");
});

test("a run works in its own project, and sees no other's accounts, secrets and resources", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent();
  await agent.post("/resources", {
    service: "harbour/box",
    configuration: {},
    idempotency_key: "k",
  });
  const project = world.server.orchestrator.createProject({ name: "other" }).id;
  const stranger = world.startAgent({ project });
  expect((await stranger.get("")).body).toMatchObject({
    id: project,
    connections: [],
    resources: [],
  });
  expect(codeOf(await stranger.get("/v1/credentials/cred:harbour"))).toBe("NOT_CONNECTED");
});

test.each([
  ["POST", "/connections", { provider: "harbour" }],
  ["POST", "/resources", { service: "harbour/box", configuration: {}, idempotency_key: "k" }],
  ["GET", "/v1/credentials/cred:harbour", undefined],
  [
    "POST",
    "/v1/purchases",
    {
      service: "harbour/flag",
      operation: "create",
      inputs: {},
      offer: { x402Version: 1, raw: {} },
    },
  ],
])("%s %s is refused for a provider outside the run's scope", async (method, path, body) => {
  await using world = await openDeskWorld();
  await world.startAgent().post("/connections", { provider: "harbour" });
  const agent = world.startAgent({ providers: ["pier"] });
  const answer = await (method === "GET" ? agent.get(path) : agent.post(path, body));
  expect([answer.status, codeOf(answer)]).toEqual([403, "PROVIDER_NOT_ALLOWED"]);
});

test("only the human makes a project, and a run needs one", async () => {
  await using world = await openDeskWorld();
  expect(() => world.startAgent({ project: "prj_none" })).toThrow(
    expect.objectContaining({ code: "PROJECT_UNKNOWN" }),
  );
  expect(codeOf(await world.startAgent().post("/v1/projects", { name: "mine" }))).toBe(
    "NOT_ALLOWED",
  );
});

test("a question of the agent reaches the human, and is recorded", async () => {
  await using world = await openDeskWorld();
  world.answers["question"] = "Blue.";
  const agent = world.startAgent();
  const order = { question: "Which colour?", choices: ["Blue.", "Red."] };
  expect(await agent.post("/v1/questions", order)).toEqual({
    status: 200,
    body: { answer: "Blue." },
  });
  expect(world.asks).toEqual([{ kind: "question", ...order }]);
  expect(world.server.orchestrator.asks(world.project)).toMatchObject([
    { run: agent.runId, kind: "question", question: "Which colour?", answer: "Blue." },
  ]);
});

test.each<[string, RequestInit["body"], number]>([
  ["no JSON", "{", 400],
  ["nothing", null, 400],
  ["not an object", "[1]", 400],
  ["an unfitting field", `{"provider": 5}`, 400],
  ["too much", `{"provider": "${"x".repeat(70_000)}"}`, 413],
  ["broken UTF-8", new Uint8Array([0xff, 0xfe, 0x22]), 400],
])("a body that is %s is refused with its reason", async (_what, body, status) => {
  await using world = await openDeskWorld();
  const authorization = `Bearer ${world.startAgent().token.reveal()}`;
  const at = `${world.server.url}/v1/projects/${world.project}`;
  const response = await fetch(`${at}/connections`, {
    method: "POST",
    headers: { authorization },
    body: body ?? null,
  });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    ok: false,
    error: { code: status === 413 ? "REQUEST_TOO_LARGE" : "REQUEST_INVALID" },
  });
});

test("a path that is not well written is refused with its reason", async () => {
  await using world = await openDeskWorld();
  expect(codeOf(await world.startAgent().get("/v1/credentials/%E0%A4%A"))).toBe("REQUEST_INVALID");
});

test("the public keys are there for everyone, in APP's shape and as a JWK set, and stay the same", async () => {
  await using world = await openDeskWorld();
  const read = async () => {
    const response = await fetch(`${world.server.url}/v2/provisioning/public_keys`);
    return (await response.json()) as { public_keys: Record<string, string>[] };
  };
  const before = await read();
  expect(before.public_keys).toEqual([
    {
      kid: expect.any(String),
      crv: "Ed25519",
      x: expect.any(String),
      expires_at: expect.stringMatching(/Z$/),
    },
  ]);
  await world.reopen();
  expect(await read()).toEqual(before);
  const jwks = await (await fetch(`${world.server.url}/.well-known/jwks.json`)).json();
  expect(jwks).toMatchObject({
    keys: [{ kid: before.public_keys[0]?.["kid"], kty: "OKP", use: "sig" }],
  });
  expect(JSON.stringify(jwks)).not.toContain('"d"');
});

test("a port that is taken is an error with a next step, and leaves the folder free", async () => {
  await using world = await openDeskWorld();
  const port = Number(new URL(world.provider.url).port);
  await expect(openDeskWorld({ port })).rejects.toMatchObject({ code: "PORT_UNAVAILABLE" });
});
