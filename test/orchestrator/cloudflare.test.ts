import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { type CloudflareServer, startCloudflare } from "../../provider/index.ts";
import { codeOf, type DeskWorld, openDeskWorld } from "./desk-world.ts";
import { ISSUER, PAY_TO } from "./provider-double.ts";

interface CloudflareWorld extends AsyncDisposable {
  world: DeskWorld;
  cloudflare: CloudflareServer;
}

/** The real local Cloudflare, trusting this orchestrator; nothing is bought here, so no facilitator listens. */
async function openCloudflareWorld(): Promise<CloudflareWorld> {
  const world = await openDeskWorld();
  const dir = mkdtempSync(join(tmpdir(), "purser-cloudflare-"));
  const cloudflare = await startCloudflare({
    dir,
    facilitatorUrl: "http://127.0.0.1:9",
    payTo: PAY_TO,
    asset: BASE_SEPOLIA_USDC,
    trust: [
      {
        issuer: ISSUER,
        keysUrl: `${world.server.url}/v2/provisioning/public_keys`,
        clientId: ISSUER,
      },
    ],
    now: () => world.clock.now,
  });
  world.server.orchestrator.addProvider(cloudflare.url);
  return {
    world,
    cloudflare,
    [Symbol.asyncDispose]: async () => {
      await cloudflare.close();
      await world[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const kv = (title: string, idempotency_key: string) => ({
  service: "cloudflare/kv",
  configuration: { title },
  idempotency_key,
});

test("at the local Cloudflare an agent gets an account, a plan and a store, with a token that its API takes", async () => {
  await using cloud = await openCloudflareWorld();
  const agent = cloud.world.startAgent();
  const plan = { service: "cloudflare/workers:free", configuration: {}, idempotency_key: "plan" };
  const { body } = await agent.post("/v1/resources", plan);
  const access = body["access"] as Record<string, string>;
  const store = await agent.post("/v1/resources", kv("notes", "store"));
  expect(store).toMatchObject({
    status: 200,
    body: { access: { KV_NAMESPACE_ID: expect.any(String) } },
  });
  expect(await agent.post("/v1/resources", kv("notes", "again"))).toEqual(store);

  const credential = (await agent.get("/v1/credentials/cred:cloudflare")).body;
  expect(credential["account_id"]).toBe(access["CLOUDFLARE_ACCOUNT_ID"]);
  const namespaces = await fetch(
    `${cloud.cloudflare.url}/client/v4/accounts/${String(credential["account_id"])}/storage/kv/namespaces`,
    { headers: { authorization: `Bearer ${String(credential["access_token"])}` } },
  );
  expect(await namespaces.json()).toMatchObject({ success: true, result: [{ title: "notes" }] });
  expect(cloud.world.asks.map(({ kind, provider }) => [kind, provider])).toEqual([
    ["terms", "cloudflare"],
  ]);
});

test("the local Cloudflare takes a renewed mandate and a refreshed token for the same account", async () => {
  await using cloud = await openCloudflareWorld();
  const { world } = cloud;
  const agent = world.startAgent({ expiresAt: world.clock.now + 40 * 3_600_000 });
  const first = (await agent.post("/v1/connections", { provider: "cloudflare" })).body;
  await world.server.orchestrator.setCap({
    project: world.project,
    provider: "cloudflare",
    amount: 5_000_000n,
  });
  world.clock.now += 24 * 3_600_000;
  expect((await agent.post("/v1/connections", { provider: "cloudflare" })).body).toEqual(first);
  expect((await agent.post("/v1/resources", kv("notes", "k"))).status).toBe(200);
});

test("two projects of one user share the account, each under its own mandate", async () => {
  await using cloud = await openCloudflareWorld();
  const other = cloud.world.server.orchestrator.createProject({ name: "other" });
  const agents = [cloud.world.startAgent(), cloud.world.startAgent({ project: other.id })];
  const ids = [];
  for (const agent of agents) {
    ids.push((await agent.post("/v1/connections", { provider: "cloudflare" })).body["account_id"]);
  }
  expect(new Set(ids).size).toBe(1);
});

test("an e-mail that already has an account at the local Cloudflare is not taken over", async () => {
  await using cloud = await openCloudflareWorld();
  await cloud.world.startAgent().post("/v1/connections", { provider: "cloudflare" });
  await using impostor = await openDeskWorld({
    user: { id: "usr_2", email: "ada@example.com", name: "Not Ada", emailVerified: true },
  });
  impostor.server.orchestrator.addProvider(cloud.cloudflare.url);
  const answer = await impostor.startAgent().post("/v1/connections", { provider: "cloudflare" });
  // Another orchestrator's key under the same name proves nothing.
  expect([answer.status, codeOf(answer)]).toEqual([403, "PROVIDER_REFUSED"]);
});
