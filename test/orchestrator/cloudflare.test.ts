import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startFacilitator } from "../../facilitator/index.ts";
import { accountSigner, payCall, quoteFor, remoteWallet, Wallet } from "../../middleware/index.ts";
import {
  BASE_SEPOLIA_USDC,
  CatalogEnvelope,
  formatDecimal,
  purchaseId,
  Secret,
} from "../../protocol/index.ts";
import { openTestChain } from "../support/chain.ts";
import { type CloudflareServer, startCloudflare } from "../../provider/index.ts";
import { codeOf, type DeskWorld, type DeskWorldOptions, openDeskWorld } from "./desk-world.ts";
import { ISSUER, PAY_TO } from "./provider-double.ts";

interface CloudflareWorld extends AsyncDisposable {
  world: DeskWorld;
  cloudflare: CloudflareServer;
}

/** The real local Cloudflare, trusting this orchestrator; without a facilitator it can sell nothing. */
async function openCloudflareWorld({
  facilitatorUrl = "http://127.0.0.1:9",
  ...options
}: DeskWorldOptions & { facilitatorUrl?: string } = {}): Promise<CloudflareWorld> {
  const world = await openDeskWorld(options);
  const dir = mkdtempSync(join(tmpdir(), "purser-cloudflare-"));
  const cloudflare = await startCloudflare({
    dir,
    facilitatorUrl,
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
  const { body } = await agent.post("/resources", plan);
  const access = body["access"] as Record<string, string>;
  const store = await agent.post("/resources", kv("notes", "store"));
  expect(store).toMatchObject({
    status: 200,
    body: { access: { KV_NAMESPACE_ID: expect.any(String) } },
  });
  expect(await agent.post("/resources", kv("notes", "again"))).toEqual(store);

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
  const first = (await agent.post("/connections", { provider: "cloudflare" })).body;
  await world.server.orchestrator.setCap({
    project: world.project,
    provider: "cloudflare",
    amount: 5_000_000n,
  });
  world.clock.now += 24 * 3_600_000;
  expect((await agent.get("/connections")).body).toEqual({ connections: [first] });
  expect((await agent.post("/connections", { provider: "cloudflare" })).body).toEqual(first);
  expect((await agent.post("/resources", kv("notes", "k"))).status).toBe(200);
});

test("two projects of one user share the account, each under its own mandate", async () => {
  await using cloud = await openCloudflareWorld();
  const other = cloud.world.server.orchestrator.createProject({ name: "other" });
  const agents = [cloud.world.startAgent(), cloud.world.startAgent({ project: other.id })];
  const ids = [];
  for (const agent of agents) {
    ids.push((await agent.post("/connections", { provider: "cloudflare" })).body["account_id"]);
  }
  expect(new Set(ids).size).toBe(1);
});

test("an e-mail that already has an account at the local Cloudflare is not taken over", async () => {
  await using cloud = await openCloudflareWorld();
  await cloud.world.startAgent().post("/connections", { provider: "cloudflare" });
  await using impostor = await openDeskWorld({
    user: { id: "usr_2", email: "ada@example.com", name: "Not Ada", emailVerified: true },
  });
  impostor.server.orchestrator.addProvider(cloud.cloudflare.url);
  const answer = await impostor.startAgent().post("/connections", { provider: "cloudflare" });
  // Another orchestrator's key under the same name proves nothing.
  expect([answer.status, codeOf(answer)]).toEqual([403, "PROVIDER_REFUSED"]);
});

test("a domain is bought with the agent's own call: quoted, capped, paid, settled on the chain, and counted to the unit", async () => {
  await using chain = await openTestChain();
  const account = await chain.newPayer(0n, 10n ** 18n);
  await using facilitator = await startFacilitator({ rpcUrl: chain.rpcUrl, account });
  const signer = accountSigner(await chain.newPayer(100_000_000n));
  const nonceSecret = new Secret(new Uint8Array(32).fill(7));
  await using cloud = await openCloudflareWorld({
    clock: { now: Date.now() },
    facilitatorUrl: facilitator.url,
    openWallet: ({ ledger, clock, trace }) =>
      new Wallet({ ledger, signer, chain: chain.chain, nonceSecret, now: () => clock.now, trace }),
  });
  const { world } = cloud;
  const agent = world.startAgent({ budget: 25_000_000n });
  const { body } = await agent.post("/connections", { provider: "cloudflare" });
  const credential = (await agent.get("/v1/credentials/cred:cloudflare")).body;
  const catalog = CatalogEnvelope.parse((await agent.get("/v1/catalog")).body).data;
  const order = {
    service: "cloudflare/registrar:domain",
    operation: "create",
    inputs: { account_id: String(body["account_id"]), domain: "nimbus-coffee.dev" },
  };
  const quote = quoteFor({ catalog, ...order });
  const buy = () =>
    payCall({
      request: {
        ...quote.request,
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${String(credential["access_token"])}`,
        },
      },
      quote,
      purchase: { id: purchaseId({ project: world.project, ...order }), ...order },
      wallet: remoteWallet({ orchestratorUrl: world.server.url, token: agent.token }),
    });
  const bought = await buy();
  expect(bought).toMatchObject({ kind: "delivered", record: { state: "settled", payTo: PAY_TO } });
  expect(await buy()).toMatchObject({ kind: "delivered", record: { state: "settled" } });

  const [payment, ...others] = await world.server.orchestrator.payments(world.project);
  expect(others).toEqual([]);
  const transfers = await chain.chain.transfersFrom(signer.address);
  expect(transfers).toMatchObject([
    { to: PAY_TO, value: quote.maxAmount, transaction: payment?.transaction },
  ]);
  const { spend } = await world.server.orchestrator.project(world.project);
  const amount = formatDecimal(quote.maxAmount, 6);
  expect(spend).toContainEqual({
    provider: "cloudflare",
    cap: "100.00",
    spent: amount,
    reserved: "0.00",
  });
  expect(cloud.cloudflare.opened.listRegistrations(order.inputs.account_id)).toHaveLength(1);
});
