/** A run that hands a part of what it may to a sub-agent: never more than it has, and gone when it is gone. */
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { delegateRun, remoteWallet } from "../../middleware/index.ts";
import { type DelegationOrder, formatDecimal, Secret } from "../../protocol/index.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { type Agent, codeOf, type DeskWorld, openDeskWorld } from "./desk-world.ts";
import { openPurchaseWorld, PRICE } from "./purchase-world.ts";

const HOUR = 3_600_000;

/** A sub-agent of an agent; its run is what the API answers. */
async function delegate(world: DeskWorld, agent: Agent, order: DelegationOrder = {}) {
  const { token } = agent;
  const run = await delegateRun({ orchestratorUrl: world.server.url, token }, order);
  return Object.assign(world.agentOf({ runId: run.id, token: run.token }), { run });
}

test("a sub-agent has what its starter has, where nothing less is asked for", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent({ budget: 7_000_000n, providers: ["harbour"] });
  const { run, ...sub } = await delegate(world, agent);
  expect(run).toMatchObject({ budget: "7.00", providers: ["harbour"] });
  expect(Date.parse(run.expires_at)).toBe(world.clock.now + HOUR);
  expect((await sub.get("")).body).toMatchObject({
    id: world.project,
    budget: { total: "7.00", available: "7.00" },
  });
  expect(JSON.stringify(run)).not.toContain(run.token.reveal());
});

describe("a run hands on only what it has", () => {
  const inAnHour = (world: DeskWorld, more: number) =>
    new Date(world.clock.now + HOUR + more).toISOString();
  test.each<[string, (world: DeskWorld) => DelegationOrder, string]>([
    ["a larger budget", () => ({ budget: "7.000001" }), "DELEGATION_WIDER"],
    ["another provider", () => ({ providers: ["harbour", "pier"] }), "DELEGATION_WIDER"],
    ["a later end", (world) => ({ expires_at: inAnHour(world, 1) }), "DELEGATION_WIDER"],
    ["a budget below nothing", () => ({ budget: "-1" }), "AMOUNT_INVALID"],
    ["a budget that is no amount", () => ({ budget: "1e3" }), "AMOUNT_INVALID"],
    ["an end that is no time", () => ({ expires_at: "soon" }), "REQUEST_INVALID"],
  ])("and not %s", async (_, order, code) => {
    await using world = await openDeskWorld();
    const agent = world.startAgent({ budget: 7_000_000n, providers: ["harbour"] });
    await expect(delegate(world, agent, order(world))).rejects.toMatchObject({ code });
  });

  test("also not through a sub-agent of a sub-agent", async () => {
    await using world = await openDeskWorld();
    const sub = await delegate(world, world.startAgent({ budget: 7_000_000n }), { budget: "1" });
    await expect(delegate(world, sub, { budget: "1.01" })).rejects.toMatchObject({
      code: "DELEGATION_WIDER",
    });
  });
});

test("there is an end to how many stand above one another", async () => {
  await using world = await openDeskWorld();
  let agent = world.startAgent();
  for (let depth = 1; depth < 8; depth += 1) agent = await delegate(world, agent);
  await expect(delegate(world, agent)).rejects.toMatchObject({ code: "DELEGATION_LIMIT" });
});

test("a sub-agent sees its own providers alone, and uses no other", async () => {
  await using world = await openDeskWorld();
  await world.addProvider({ id: "pier" });
  const agent = world.startAgent();
  await agent.post("/connections", { provider: "harbour" });
  const sub = await delegate(world, agent, { providers: ["pier"] });
  expect((await sub.get("")).body).toMatchObject({ connections: [] });
  expect(codeOf(await sub.get("/v1/credentials/cred:harbour"))).toBe("PROVIDER_NOT_ALLOWED");
});

describe("a sub-agent's run ends", () => {
  test.each<[string, (world: DeskWorld, agent: Agent, sub: Agent) => unknown, string]>([
    [
      "when its starter's is revoked",
      (world, agent) => world.server.orchestrator.revokeRun(agent.runId),
      "TOKEN_REVOKED",
    ],
    [
      "when the human revokes it",
      (world, _, sub) => world.server.orchestrator.revokeRun(sub.runId),
      "TOKEN_REVOKED",
    ],
    ["with its own hour", (world) => (world.clock.now += HOUR / 2), "TOKEN_EXPIRED"],
  ])("%s, also after a restart", async (_, end, code) => {
    await using world = await openDeskWorld();
    const agent = world.startAgent();
    const expires_at = new Date(world.clock.now + HOUR / 2).toISOString();
    const sub = await delegate(world, agent, { expires_at });
    expect((await sub.get("")).status).toBe(200);
    end(world, agent, sub);
    expect(codeOf(await sub.get(""))).toBe(code);
    await world.reopen();
    expect(codeOf(await sub.get(""))).toBe(code);
  });

  test("when its starter revokes it, and its starter goes on", async () => {
    await using world = await openDeskWorld();
    const agent = world.startAgent();
    const sub = await delegate(world, agent);
    const below = await delegate(world, sub);
    await sub.run.revoke();
    for (const ended of [sub, below]) expect(codeOf(await ended.get(""))).toBe("TOKEN_REVOKED");
    expect((await agent.get("")).status).toBe(200);
  });
});

test("a run revokes no run that it has not started", async () => {
  await using world = await openDeskWorld();
  const [agent, other] = [world.startAgent(), world.startAgent()];
  const sub = await delegate(world, agent);
  for (const [who, whom] of [
    [other, agent],
    [other, sub],
    [sub, agent],
    [sub, sub],
  ] as const) {
    const authorization = `Bearer ${who.token.reveal()}`;
    const path = `${world.server.url}/v1/runs/${whom.runId}`;
    const response = await fetch(path, { method: "DELETE", headers: { authorization } });
    expect(await response.json()).toMatchObject({ error: { code: "RUN_UNKNOWN" } });
    expect((await whom.get("")).status).toBe(200);
  }
});

describe("with money", () => {
  let chain: TestChain;
  beforeAll(async () => {
    chain = await openTestChain();
  });
  afterAll(() => chain[Symbol.asyncDispose]());

  test("a payment's bytes are not for a run that may not use its provider", async () => {
    await using shop = await openPurchaseWorld(chain);
    const { body } = await shop.agent.post("/v1/purchases", shop.order());
    const id = body["id"] as string;
    const sub = await delegate(shop.world, shop.agent, { providers: ["pier"] });
    expect(codeOf(await sub.get(`/v1/purchases/${id}`))).toBe("PURCHASE_UNKNOWN");
    const report = { status: 200 };
    expect(codeOf(await sub.post(`/v1/purchases/${id}/outcome`, report))).toBe("PURCHASE_UNKNOWN");
    expect((await sub.get("")).body).toMatchObject({ purchases: [] });
  });

  test("a run of another project is given nothing of this one's", async () => {
    await using shop = await openPurchaseWorld(chain);
    const { body } = await shop.agent.post("/v1/purchases", shop.order());
    const { orchestrator, url } = shop.world.server;
    const project = orchestrator.createProject({ name: "other" }).id;
    const stranger = shop.world.startAgent({ project });
    const wallet = remoteWallet({ orchestratorUrl: url, token: stranger.token });
    expect(await wallet.find(body["id"] as string)).toBeUndefined();
    const guessed = remoteWallet({ orchestratorUrl: url, token: new Secret("prt_guess") });
    await expect(guessed.find(body["id"] as string)).rejects.toMatchObject({
      code: "TOKEN_UNKNOWN",
    });
  });

  test("however a budget is split, no run and no run above it spends more than it has", async () => {
    await using shop = await openPurchaseWorld(chain, { defaultCap: 10_000_000_000n });
    let domain = 0;
    const part = fc.record({
      starter: fc.nat(3),
      items: fc.integer({ min: 0, max: 3 }),
      buys: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
        const top = { agent: shop.world.startAgent({ budget: PRICE * 3n }), items: 3, left: 3 };
        const lines = [[top]];
        for (const { starter, items, buys } of parts) {
          const above = lines[Math.min(starter, lines.length - 1)]!;
          const order = { budget: formatDecimal(PRICE * BigInt(items), 6) };
          const made = delegate(shop.world, above[0]!.agent, order);
          if (items > above[0]!.items) {
            await expect(made).rejects.toMatchObject({ code: "DELEGATION_WIDER" });
            continue;
          }
          const agent = await made;
          const line = [{ agent, items, left: items }, ...above];
          lines.push(line);
          const orders = Array.from({ length: buys }, () =>
            shop.order({ domain: `d${(domain += 1)}.com` }),
          );
          const answers = await Promise.all(orders.map((one) => agent.post("/v1/purchases", one)));
          const bought = answers.filter(({ status }) => status === 200).length;
          expect(bought).toBe(Math.min(buys, ...line.map(({ left }) => left)));
          for (const run of line) run.left -= bought;
        }
      }),
      { numRuns: 15 },
    );
  });
});
