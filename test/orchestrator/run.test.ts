import { expect, test } from "vitest";
import { codeOf, openDeskWorld } from "./desk-world.ts";
import { Secret } from "../../protocol/index.ts";

const CALLS = [
  ["GET", "/v1/catalog"],
  ["GET", "/v1/project"],
  ["POST", "/v1/connections"],
  ["POST", "/v1/resources"],
  ["GET", "/v1/credentials/cred:harbour"],
  ["POST", "/v1/questions"],
  ["POST", "/v1/purchases"],
  ["GET", "/v1/purchases/pur_1"],
  ["POST", "/v1/purchases/pur_1/outcome"],
] as const;

test.each(CALLS)("%s %s wants a token", async (method, path) => {
  await using world = await openDeskWorld();
  const response = await fetch(world.server.url + path, { method });
  expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  expect(await response.json()).toMatchObject({ ok: false, error: { code: "TOKEN_REQUIRED" } });
  const unknown = world.agentOf({ runId: "x", token: new Secret("prt_guess") });
  const answer = await (method === "GET" ? unknown.get(path) : unknown.post(path, {}));
  expect([answer.status, codeOf(answer)]).toEqual([401, "TOKEN_UNKNOWN"]);
});

test("a token ends with its run's hour", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent({ expiresAt: world.clock.now + 1000 });
  expect((await agent.get("/v1/project")).status).toBe(200);
  world.clock.now += 1000;
  const answer = await agent.get("/v1/project");
  expect([answer.status, codeOf(answer)]).toEqual([401, "TOKEN_EXPIRED"]);
});

test("a revoked run can do nothing more, also after a restart", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent();
  world.server.orchestrator.revokeRun(agent.runId);
  await world.reopen();
  expect(codeOf(await agent.get("/v1/project"))).toBe("TOKEN_REVOKED");
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
  expect(await renewed.get("/v1/project")).toMatchObject({
    body: { budget: { total: "7.00", available: "7.00" } },
  });
  expect(codeOf(await before.get("/v1/project"))).toBe("TOKEN_UNKNOWN");
});

test("a run works in its own project, and sees no other's accounts, secrets and resources", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent();
  await agent.post("/v1/resources", {
    service: "harbour/box",
    configuration: {},
    idempotency_key: "k",
  });
  const project = world.server.orchestrator.createProject({ name: "other" }).id;
  const stranger = world.startAgent({ project });
  expect((await stranger.get("/v1/project")).body).toMatchObject({
    id: project,
    connections: [],
    resources: [],
  });
  expect(codeOf(await stranger.get("/v1/credentials/cred:harbour"))).toBe("NOT_CONNECTED");
});

test.each([
  ["POST", "/v1/connections", { provider: "harbour" }],
  ["POST", "/v1/resources", { service: "harbour/box", configuration: {}, idempotency_key: "k" }],
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
  await world.startAgent().post("/v1/connections", { provider: "harbour" });
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
    "SESSION_REQUIRED",
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
  const response = await fetch(`${world.server.url}/v1/connections`, {
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
