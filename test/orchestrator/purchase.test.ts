import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PaymentHeader, PurchaseRecord } from "../../protocol/index.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { codeOf } from "./desk-world.ts";
import { openPurchaseWorld, type OrderFields, PRICE, settle } from "./purchase-world.ts";

let chain: TestChain;
beforeAll(async () => {
  chain = await openTestChain();
});
afterAll(() => chain[Symbol.asyncDispose]());

const recordOf = ({ body }: { body: unknown }) =>
  body as PurchaseRecord & { payment: PaymentHeader };

test("an offer that keeps to the catalog is paid for, and everyone can see it but its bytes", async () => {
  await using shop = await openPurchaseWorld(chain);
  const { world, agent } = shop;
  const answer = await agent.post("/v1/purchases", shop.order());
  expect(answer).toMatchObject({
    status: 200,
    body: {
      provider: "harbour",
      service: "harbour/flag",
      state: "sent",
      amount: "10.44",
      payment: { name: "X-PAYMENT" },
    },
  });
  const { id, payment } = recordOf(answer);
  expect((await agent.get(`/v1/purchases/${id}`)).body).toEqual(answer.body);
  expect((await agent.get("")).body).toMatchObject({
    budget: { total: "1000.00", available: "989.56" },
    payment_method: { type: "token-wallet" },
    purchases: [
      { service: "harbour/flag", inputs: { domain: "nimbus.com" }, state: "sent", amount: "10.44" },
    ],
    spend: [{ provider: "harbour", cap: "100.00", spent: "0.00", reserved: "10.44" }],
  });
  expect(world.trace.map(({ type }) => type)).toEqual(["human", "connection", "quote", "payment"]);
  const reports = await world.server.orchestrator.payments(world.project);
  expect(reports).toMatchObject([{ id, amount: "10.44", inputs: { domain: "nimbus.com" } }]);
  for (const text of [
    JSON.stringify(reports),
    JSON.stringify(world.trace),
    readFileSync(join(world.dir, "orchestrator.db"), "latin1"),
  ]) {
    expect(text).not.toContain(payment.value);
  }
});

test("the same purchase is given the same bytes, at once, again and after a restart, and signed once", async () => {
  await using shop = await openPurchaseWorld(chain);
  const order = shop.order();
  const answers = await Promise.all([1, 2, 3].map(() => shop.agent.post("/v1/purchases", order)));
  await shop.world.reopen();
  answers.push(await shop.agent.post("/v1/purchases", order));
  answers.push(await shop.world.startAgent().post("/v1/purchases", order));
  expect(new Set(answers.map((answer) => recordOf(answer).payment.value)).size).toBe(1);
  expect(shop.signed.count).toBe(1);
});

test("a server's word does not settle a payment, the chain does", async () => {
  await using shop = await openPurchaseWorld(chain);
  const { id, payment } = recordOf(await shop.agent.post("/v1/purchases", shop.order()));
  const claim = { status: 201, transaction: `0x${"ab".repeat(32)}` };
  expect((await shop.agent.post(`/v1/purchases/${id}/outcome`, claim)).body).toMatchObject({
    state: "claimed",
  });
  const transaction = await settle(chain, payment);
  const settled = await shop.agent.post(`/v1/purchases/${id}/outcome`, {
    status: 201,
    transaction,
  });
  expect(settled.body).toMatchObject({ state: "settled", transaction });
  expect((await shop.agent.get("")).body).toMatchObject({
    spend: [{ spent: "10.44", reserved: "0.00" }],
  });
});

test("what was settled while the orchestrator was away is known when it is back", async () => {
  await using shop = await openPurchaseWorld(chain);
  const { id, payment } = recordOf(await shop.agent.post("/v1/purchases", shop.order()));
  const transaction = await settle(chain, payment);
  await shop.world.reopen();
  expect((await shop.agent.get(`/v1/purchases/${id}`)).body).toMatchObject({
    state: "settled",
    transaction,
  });
});

const elsewhere = "0x2222222222222222222222222222222222222222";
test.each<[string, string, number, OrderFields]>([
  [
    "one unit more than the catalog's price",
    "OFFER_PRICE",
    403,
    { raw: { maxAmountRequired: (PRICE + 1n).toString() } },
  ],
  [
    "the price of another extension",
    "OFFER_PRICE",
    403,
    { raw: { maxAmountRequired: "60000000" } },
  ],
  ["another payee", "OFFER_PAYEE", 403, { raw: { payTo: elsewhere } }],
  ["another token", "OFFER_ASSET", 403, { raw: { asset: elsewhere, network: "eip155:84532" } }],
  ["another network", "OFFER_NETWORK", 403, { raw: { network: "base" } }],
  ["another scheme", "OFFER_SCHEME", 403, { raw: { scheme: "upto" } }],
  [
    "another resource",
    "OFFER_RESOURCE",
    403,
    { raw: { resource: "http://127.0.0.1:1/accounts/acc_1/flags" } },
  ],
  ["an offer that cannot be read", "CHALLENGE_INVALID", 400, { raw: { maxAmountRequired: "1e4" } }],
  ["another account", "ACCOUNT_MISMATCH", 403, { inputs: { account_id: "acc_2" } }],
  ["no account", "INPUT_MISSING", 400, { inputs: { account_id: undefined } }],
  ["an input that the operation does not use", "INPUT_INVALID", 400, { inputs: { years: "2" } }],
  ["a name in capitals", "INPUT_INVALID", 400, { domain: "Nimbus.com" }],
  ["no name", "INPUT_MISSING", 400, { inputs: { domain: undefined } }],
  ["an extension without a price", "PRICE_UNKNOWN", 400, { domain: "nimbus.dev" }],
  ["an operation that is not paid", "NOT_FOR_SALE", 400, { operation: "check" }],
  ["an operation of the prototype", "NOT_FOR_SALE", 400, { operation: "constructor" }],
  ["a free service", "NOT_FOR_SALE", 400, { service: "harbour/free-flag" }],
  ["an unknown service", "SERVICE_UNKNOWN", 404, { service: "harbour/none" }],
  ["an unknown provider", "PROVIDER_UNKNOWN", 404, { service: "nobody/flag" }],
])(
  "%s is refused with %s, and nothing is reserved or signed",
  async (_what, code, status, fields) => {
    await using shop = await openPurchaseWorld(chain);
    const answer = await shop.agent.post("/v1/purchases", shop.order(fields));
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(shop.signed.count).toBe(0);
    expect((await shop.agent.get("")).body).toMatchObject({
      budget: { available: "1000.00" },
      purchases: [],
      spend: [{ spent: "0.00", reserved: "0.00" }],
    });
  },
);

test("a refusal is traced with its reason", async () => {
  await using shop = await openPurchaseWorld(chain);
  await shop.agent.post("/v1/purchases", shop.order({ raw: { payTo: elsewhere } }));
  expect(shop.world.trace.at(-1)).toMatchObject({
    type: "refusal",
    service: "harbour/flag",
    error: { code: "OFFER_PAYEE" },
  });
});

test("one unit over the run's budget is refused, and exactly the budget is not", async () => {
  await using shop = await openPurchaseWorld(chain, { budget: PRICE - 1n });
  const answer = await shop.agent.post("/v1/purchases", shop.order());
  expect([answer.status, codeOf(answer)]).toEqual([403, "BUDGET_EXCEEDED"]);
  const exact = shop.world.startAgent({ budget: PRICE });
  expect((await exact.post("/v1/purchases", shop.order())).status).toBe(200);
  expect(codeOf(await exact.post("/v1/purchases", shop.order({ domain: "two.com" })))).toBe(
    "BUDGET_EXCEEDED",
  );
});

test("one unit over the cap of project, provider and month is refused, and exactly the cap is not", async () => {
  await using shop = await openPurchaseWorld(chain);
  const { orchestrator } = shop.world.server;
  const cap = { project: shop.world.project, provider: "harbour" };
  await orchestrator.setCap({ ...cap, amount: 2n * PRICE - 1n });
  expect((await shop.agent.post("/v1/purchases", shop.order())).status).toBe(200);
  const two = shop.order({ domain: "two.com" });
  const answer = await shop.agent.post("/v1/purchases", two);
  expect([answer.status, codeOf(answer)]).toEqual([403, "CAP_EXCEEDED"]);
  await orchestrator.setCap({ ...cap, amount: 2n * PRICE });
  expect((await shop.agent.post("/v1/purchases", two)).status).toBe(200);
});

test("of many purchases at once only those under the default cap of $100.00 go through, over several runs", async () => {
  await using shop = await openPurchaseWorld(chain);
  const agents = [shop.agent, shop.world.startAgent({ budget: 1_000_000_000n })];
  const answers = await Promise.all(
    Array.from({ length: 14 }, (_, at) =>
      agents[at % 2]!.post("/v1/purchases", shop.order({ domain: `name-${at}.com` })),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(9);
  expect(answers.filter((answer) => codeOf(answer) === "CAP_EXCEEDED")).toHaveLength(5);
  expect(shop.signed.count).toBe(9);
});

test("a new month has its cap anew, and the run's budget stays spent", async () => {
  await using shop = await openPurchaseWorld(chain, { budget: 3n * PRICE });
  const cap = { project: shop.world.project, provider: "harbour", amount: PRICE };
  await shop.world.server.orchestrator.setCap(cap);
  await shop.agent.post("/v1/purchases", shop.order());
  expect(codeOf(await shop.agent.post("/v1/purchases", shop.order({ domain: "two.com" })))).toBe(
    "CAP_EXCEEDED",
  );
  shop.world.clock.now = Date.UTC(2026, 11, 1);
  const { server } = shop.world;
  const run = { runId: shop.agent.runId, expiresAt: shop.world.clock.now + 1000 };
  const agent = shop.world.agentOf(server.orchestrator.renewRun(run));
  expect((await agent.post("/v1/purchases", shop.order({ domain: "two.com" }))).status).toBe(200);
  expect((await agent.get("")).body).toMatchObject({ budget: { available: "10.44" } });
});

test("a run that goes on after a crash has what its budget had left", async () => {
  await using shop = await openPurchaseWorld(chain, { budget: PRICE });
  await shop.agent.post("/v1/purchases", shop.order());
  await shop.world.reopen();
  const run = { runId: shop.agent.runId, expiresAt: shop.world.clock.now + 1000 };
  const agent = shop.world.agentOf(shop.world.server.orchestrator.renewRun(run));
  expect(codeOf(await agent.post("/v1/purchases", shop.order({ domain: "two.com" })))).toBe(
    "BUDGET_EXCEEDED",
  );
  expect((await agent.post("/v1/purchases", shop.order())).status).toBe(200);
});

test("a cap over the whole wallet counts over projects", async () => {
  await using shop = await openPurchaseWorld(chain, { walletCap: PRICE });
  await shop.agent.post("/v1/purchases", shop.order());
  const project = shop.world.server.orchestrator.createProject({ name: "other" }).id;
  const other = shop.world.startAgent({ project });
  await other.post("/connections", { provider: "harbour" });
  expect(codeOf(await other.post("/v1/purchases", shop.order({ domain: "two.com" })))).toBe(
    "CAP_EXCEEDED",
  );
});

test("another project's purchase is not there", async () => {
  await using shop = await openPurchaseWorld(chain);
  const { id } = recordOf(await shop.agent.post("/v1/purchases", shop.order()));
  const project = shop.world.server.orchestrator.createProject({ name: "other" }).id;
  const stranger = shop.world.startAgent({ project });
  const answers = [
    await stranger.get(`/v1/purchases/${id}`),
    await stranger.get(`/v1/purchases/${id}/answer`),
    await stranger.post(`/v1/purchases/${id}/outcome`, { status: 201 }),
    await stranger.get("/v1/purchases/pur_none"),
  ];
  for (const answer of answers)
    expect([answer.status, codeOf(answer)]).toEqual([404, "PURCHASE_UNKNOWN"]);
  expect(codeOf(await stranger.post("/v1/purchases", shop.order()))).toBe("NOT_CONNECTED");
});

test("nothing is bought where the terms were declined", async () => {
  await using shop = await openPurchaseWorld(chain, { connect: false });
  shop.world.answers["terms"] = "decline";
  expect(codeOf(await shop.agent.post("/connections", { provider: "harbour" }))).toBe(
    "TERMS_DECLINED",
  );
  expect(codeOf(await shop.agent.post("/v1/purchases", shop.order()))).toBe("NOT_CONNECTED");
  expect(shop.signed.count).toBe(0);
});

test.each([
  ["expired", "TOKEN_EXPIRED"],
  ["revoked", "TOKEN_REVOKED"],
])("a run that has %s pays for nothing more", async (what, code) => {
  await using shop = await openPurchaseWorld(chain);
  if (what === "expired") shop.world.clock.now += 3_600_000;
  else shop.world.server.orchestrator.revokeRun(shop.agent.runId);
  const answer = await shop.agent.post("/v1/purchases", shop.order());
  expect([answer.status, codeOf(answer)]).toEqual([401, code]);
  expect(shop.signed.count).toBe(0);
});

test("without a payment method the human is asked, and the agent is told", async () => {
  await using shop = await openPurchaseWorld(chain, { openWallet: () => undefined });
  const answer = await shop.agent.post("/v1/purchases", shop.order());
  expect([answer.status, codeOf(answer)]).toEqual([403, "PAYMENT_METHOD_REQUIRED"]);
  expect(shop.world.asks.map(({ kind }) => kind)).toEqual(["terms", "payment_method"]);
});

test("a catalog that raised its price since it was read does not raise what is paid", async () => {
  await using shop = await openPurchaseWorld(chain);
  shop.world.provider.manners.catalog = () => {
    throw new Error("not read again within the minute");
  };
  const raised = shop.order({ raw: { maxAmountRequired: "20000000" } });
  expect(codeOf(await shop.agent.post("/v1/purchases", raised))).toBe("OFFER_PRICE");
});

test("a payee that changes after it was pinned is paid nothing", async () => {
  await using shop = await openPurchaseWorld(chain);
  shop.world.provider.manners.payTo = elsewhere;
  shop.world.clock.now += 61_000;
  const answer = await shop.agent.post("/v1/purchases", shop.order({ raw: { payTo: elsewhere } }));
  expect([answer.status, codeOf(answer)]).toEqual([502, "PROVIDER_UNAVAILABLE"]);
  expect(shop.signed.count).toBe(0);
});

test("an offer of x402 v2 is paid in its own header", async () => {
  await using shop = await openPurchaseWorld(chain);
  const { offer, ...order } = shop.order();
  const { maxAmountRequired, resource, ...rest } = offer.raw;
  const raw = { ...rest, amount: maxAmountRequired, network: chain.asset.network };
  const v2 = { ...order, offer: { x402Version: 2, raw, resource } };
  expect((await shop.agent.post("/v1/purchases", v2)).body).toMatchObject({
    payment: { name: "PAYMENT-SIGNATURE" },
  });
});
