/** Ring 2: real payments on a local chain. A right shop and our paywall hold; each case is failed by a shop with one fault. */
import { zeroAddress } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES, check, LEVELS, type LocalWorld, openLocalWorld } from "../../conformance/index.ts";
import { openShop } from "../middleware/shop.ts";
import { decodeJson, encodeJson } from "../../protocol/index.ts";
import { type Fault, openEndpoint, PAY_TO } from "./endpoint.ts";
import { CHAIN_MUTANTS } from "./mutants.ts";
import { MPP_RING_2, openMeddler } from "./mpp-mutants.ts";
import { RING_2 } from "./ring2-mutants.ts";
import { openCarefulShop } from "./shop.ts";

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const bad = ({ verdict }: { verdict: string }) => !["pass", "info", "skip"].includes(verdict);

test("a right shop has nothing to mend, and each of its sales is settled", async () => {
  const { facilitatorUrl, payer } = world;
  await using shop = await openCarefulShop({ facilitatorUrl });
  const { chain } = payer.money!;
  const balances = () =>
    Promise.all([chain.balanceOf(payer.account.address), chain.balanceOf(PAY_TO)]);
  const [had, held] = await balances();
  const report = await check({ url: shop.url, ring: 2, payer, expect: { sibling: "/other" } });
  expect(report.results.filter(bad)).toEqual([]);
  expect(report.outcome).toBe("passed");
  const [has, holds] = await balances();
  const announced = CASES.filter(({ ring, load }) => ring <= 2 && !load);
  const most = announced.reduce((sum, { payments = 0 }) => sum + payments, 0);
  expect(Number(had - has)).toBeLessThanOrEqual(most * 10_000);
  // One more was settled by the tester itself before it came to the shop (RPLY-09), and refused there.
  expect(holds - held).toBe(BigInt(shop.worked() + 1) * 10_000n);
});

describe("a right shop", () => {
  const dear = ({ path }: { path: string }) => (path === "/other" ? "20000" : "10000");
  const moving = ({ count }: { count: number }) => String(10_000 + count);
  const byLength = ({ body }: { body: string }) => String(10_000 * body.length);
  test.each([
    ["TAMP-18", "asks more at another route", { amountOf: dear }, {}],
    ["TAMP-20", "asks by the order", { sells: "POST", amountOf: byLength }, { body: "a" }],
    ["PRICE-03", "has a price that moves", { amountOf: moving }, {}],
    ["IDEM-01", "requires identifiers", { requiresId: true }, {}],
    ["CHAL-13", "asks in a token of 6 decimals", {}, {}],
    ["CHAL-15", "asks in a token that is there", {}, {}],
  ] as const)("passes %s where it %s", async (id, _, shopOptions, options) => {
    const { facilitatorUrl, payer } = world;
    await using shop = await openCarefulShop({ facilitatorUrl, ...shopOptions });
    const expected = { sibling: "/other", otherBody: "aaa" };
    const report = await check({
      url: shop.url,
      ring: 2,
      only: [id],
      payer,
      expect: expected,
      ...options,
    });
    expect(report.results.map(({ verdict, seen }) => [verdict, seen])).toEqual([
      ["pass", expect.any(String)],
    ]);
  });

  test.each(["RPLY-04", "TAMP-18", "TAMP-19", "IDEM-06"])(
    "is not judged by %s where its sibling is no paid route: that refuses every payment",
    async (id) => {
      const { facilitatorUrl, payer } = world;
      await using shop = await openCarefulShop({ facilitatorUrl });
      const only = [id];
      const expected = { sibling: "/nowhere" };
      const { results } = await check({ url: shop.url, ring: 2, only, payer, expect: expected });
      expect(new Set(results.map(({ verdict }) => verdict))).toEqual(new Set(["cannot-assess"]));
    },
  );

  test("is warned by IDEM-06 where it hands out the answer of another route for the same identifier", async () => {
    const { facilitatorUrl, payer } = world;
    await using shop = await openCarefulShop({ facilitatorUrl, servesById: "stored answer" });
    const only = ["IDEM-06"];
    const expected = { sibling: "/other" };
    const { results } = await check({ url: shop.url, ring: 2, only, payer, expect: expected });
    expect(results.map(({ verdict, seen }) => [verdict, seen])).toEqual([
      ["warn", expect.stringContaining("stored answer")],
    ]);
  });

  test("passes RPLY-05 where two instances share their memory", async () => {
    const { facilitatorUrl, payer } = world;
    const shared = { facilitatorUrl, takesAnyPath: true, sales: new Map<string, never>() };
    await using shop = await openCarefulShop(shared);
    await using other = await openCarefulShop(shared);
    const alsoUrl = other.url;
    const { results } = await check({ url: shop.url, alsoUrl, ring: 2, only: ["RPLY-05"], payer });
    expect(results.map(({ verdict, seen }) => [verdict, seen])).toEqual([
      ["pass", expect.stringMatching(/4 copies of one answer/)],
    ]);
    expect(shop.worked() + other.worked()).toBe(1);
  });
});

/** The authorization must run out, by everybody's clock: nine seconds, which these wait for together. */
const isSlow = ([id]: (typeof RING_2)[number]) => id === "IDEM-04";

describe.concurrent("the stored answer outlives the authorization", () => {
  const ask = async (url: string) => {
    const { payer } = world;
    const slow = { url, ring: 2, payer, only: ["IDEM-04"], load: true } as const;
    const { results } = await check({ ...slow, profiles: ["x402-v2"] });
    return results.map(({ verdict }) => verdict);
  };

  test("in a right shop", async () => {
    await using shop = await openCarefulShop({ facilitatorUrl: world.facilitatorUrl });
    expect(await ask(shop.url)).toEqual(["pass"]);
  });

  test("in our paywall", async () => {
    await using shop = await openShop({ facilitatorUrl: world.facilitatorUrl });
    expect(await ask(`${shop.url}/shop/items/a`)).toEqual(["pass"]);
  });

  test("as a challenge of our paywall does not outlive its time", async () => {
    const { facilitatorUrl, payer } = world;
    await using shop = await openShop({ facilitatorUrl, maxTimeoutSeconds: 3 });
    const url = `${shop.url}/shop/items/a`;
    const only = ["MPP-23"];
    const { results } = await check({ url, ring: 2, payer, only, load: true, profiles: ["mpp"] });
    expect(results.map(({ verdict, seen }) => [verdict, seen])).toEqual([
      ["pass", "402 with a challenge."],
    ]);
  });

  test.each(RING_2.filter(isSlow))("and %s notices a shop that %s", async (_, __, faults) => {
    const fault = typeof faults === "function" ? faults({ given: "" }) : faults;
    await using shop = await openCarefulShop({ facilitatorUrl: world.facilitatorUrl, ...fault });
    expect(await ask(shop.url)).toEqual(["warn"]);
  });
});

describe("one fault", () => {
  test.each(RING_2.filter((row) => !isSlow(row)))(
    "%s notices a shop that %s",
    async (id, _, faults) => {
      const { facilitatorUrl, payer } = world;
      const [gift] = await payer.money!.chain.transfersBetween(zeroAddress, payer.account.address);
      const fault = typeof faults === "function" ? faults({ given: gift!.transaction }) : faults;
      await using shop = await openCarefulShop({ facilitatorUrl, ...fault });
      await using instance =
        id === "RPLY-05"
          ? await openCarefulShop({
              facilitatorUrl,
              ...fault,
              answers: (answer) => ({ ...answer, body: `${answer.body} of the other instance` }),
            })
          : undefined;
      const before = { "SETL-06": [["RPLY-01"]], "SETL-08": [["RPLY-01"]] }[id] ?? [];
      const run = (only: readonly string[]) =>
        check({
          url: shop.url,
          ring: 2,
          only,
          payer,
          profiles: ["x402-v2"],
          load: true,
          alsoUrl: instance?.url,
          expect: { sibling: "/other", otherBody: "aaa" },
          ...(fault.sells === "POST" ? { body: "a" } : {}),
        });
      for (const only of before) await run(only);
      // What is looked at over the whole run needs a sale in it.
      const report = await run(/^SETL-0[89]$/.test(id) ? ["RPLY-01", id] : [id]);
      const found = report.results.find((result) => result.id === id);
      expect(found?.verdict, found?.seen).toBe(LEVELS[found!.level].broken);
    },
  );

  test("is known for every case of ring 2 that can fail", () => {
    const killed = new Set<string>(RING_2.map(([id]) => id));
    const able = CASES.filter(
      ({ ring, id, level }) => ring === 2 && level !== "info" && !id.startsWith("MPP"),
    );
    expect(able.map(({ id }) => id).filter((id) => !killed.has(id))).toEqual([]);
  });
});

describe("one fault in MPP", () => {
  test.each(MPP_RING_2)("%s notices a server that %s", async (id, _, meddle) => {
    const { facilitatorUrl, payer } = world;
    await using shop = await openShop({ facilitatorUrl });
    await using meddler = await openMeddler(shop.url, meddle);
    const order = { method: "POST", body: '{"item":"a"}' };
    const report = await check({
      url: `${meddler.url}/shop/items`,
      headers: [["Content-Type", "application/json"]],
      ring: 2,
      only: [id],
      payer,
      profiles: ["mpp"],
      ...order,
    });
    expect(report.results[0]?.verdict, report.results[0]?.seen).toBe(
      LEVELS[report.results[0]!.level].broken,
    );
  });

  test("is known for every case of ring 2 that can fail", () => {
    const killed = new Set(MPP_RING_2.map(([id]) => id));
    const able = CASES.filter(({ ring, id }) => ring === 2 && id.startsWith("MPP"));
    expect(able.map(({ id }) => id).filter((id) => !killed.has(id))).toEqual([]);
  });

  test("is not our paywall's: it has nothing to mend for an order with a body", async () => {
    const { facilitatorUrl, payer } = world;
    await using shop = await openShop({ facilitatorUrl });
    const report = await check({
      url: `${shop.url}/shop/items`,
      method: "POST",
      body: '{"item":"a"}',
      headers: [["Content-Type", "application/json"]],
      ring: 2,
      payer,
      only: ["MPP-*"],
      profiles: ["mpp"],
    });
    expect(report.results.filter(bad).map(({ id, seen }) => [id, seen])).toEqual([]);
  });
});

describe("on the chain", () => {
  const change =
    (fields: object): Fault =>
    (answer) => {
      const header = String(answer.headers["PAYMENT-REQUIRED"]);
      const challenge = decodeJson(header) as { accepts: object[] };
      Object.assign(challenge.accepts[0]!, fields);
      return {
        ...answer,
        headers: { ...answer.headers, "PAYMENT-REQUIRED": encodeJson(challenge) },
      };
    };

  test("CHAL-16 notices an endpoint that has its facilitator paid", async () => {
    const { payer } = world;
    await using endpoint = await openEndpoint("x402-v2", change({ payTo: payer.signers![0] }));
    const { results } = await check({ url: endpoint.url, only: ["CHAL-16"], payer });
    expect(results[0]).toMatchObject({
      verdict: "fail",
      seen: expect.stringContaining("facilitator"),
    });
  });

  test("CHAL-19 notices an endpoint whose token has another name on its chain", async () => {
    const { client } = world.payer.money!.chain;
    const other = `0x${"c0".repeat(20)}` as const;
    const code = await client.getCode({ address: world.asset.address });
    await client.request<{ Method: string; Parameters: unknown[]; ReturnType: unknown }>({
      method: "anvil_setCode",
      params: [other, code],
    });
    const extra = { name: "Other Coin", version: "2" };
    await using endpoint = await openEndpoint("x402-v2", change({ asset: other, extra }));
    const { results } = await check({
      url: endpoint.url,
      only: ["CHAL-19"],
      rpcUrl: world.rpcUrl,
    });
    expect(results[0]).toMatchObject({
      verdict: "fail",
      seen: expect.stringContaining("on chain 84532"),
    });
  });

  test.each(CHAIN_MUTANTS.map((mutant) => [mutant.kills, mutant.fault, mutant] as const))(
    "%s notices an endpoint that %s",
    async (id, _, { make }) => {
      await using endpoint = await openEndpoint("x402-v2", make);
      const { rpcUrl } = world;
      const { results } = await check({ url: endpoint.url, only: [id], rpcUrl });
      expect(results[0]).toMatchObject({ id, verdict: "fail" });
    },
  );
});

test("a good payment in a query, a cookie or a body is in no report", async () => {
  const asked: string[] = [];
  await using shop = await openCarefulShop({
    facilitatorUrl: world.facilitatorUrl,
    opensTo: ({ url = "", headers }) => {
      const places = [/PAYMENT-SIGNATURE=([^&]+)/.exec(url)?.[1], headers.cookie?.split("=", 2)[1]];
      asked.push(...places.filter((place) => place !== undefined));
      return false;
    },
  });
  const report = await check({ url: shop.url, ring: 2, payer: world.payer, only: ["HTTP-17"] });
  expect(report.results[0]?.verdict).toBe("pass");
  expect(new Set(asked).size).toBe(1);
  const [payment = ""] = asked;
  const text = JSON.stringify(report);
  for (const form of [payment, decodeURIComponent(payment)])
    expect(text).not.toContain(form.slice(300, 700));
  expect(text).toContain("PAYMENT-SIGNATURE=[payment redacted]");
});

test("ring 2 without money is refused", async () => {
  await expect(check({ url: "http://127.0.0.1:1/", ring: 2 })).rejects.toMatchObject({
    code: "CHECK_PLAN_INVALID",
  });
});

test("a run signs for no more than it may spend", async () => {
  await using shop = await openCarefulShop({ facilitatorUrl: world.facilitatorUrl });
  const { account, money } = world.payer;
  const payer = { account, money: { ...money!, maxSpend: 25_000n, signedFor: 0n } };
  const report = await check({ url: shop.url, ring: 2, payer, only: ["SETL-01", "RPLY-11"] });
  expect(report.results.map(({ id, verdict }) => [id, verdict])).toEqual([
    ["SETL-01", "pass"],
    ["RPLY-11", "cannot-assess"],
  ]);
  expect(shop.worked()).toBe(1);
});
