/**
 * Ring 3: the tester is the facilitator, the work and what goes wrong between them. A right shop and our paywall hold; each case is
 * failed by a shop with one fault. Everything settles on a real chain.
 */
import express from "express";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CASES,
  check,
  findCase,
  type Harness,
  LEVELS,
  openHarness,
  type Profile,
  PROFILES,
  type Result,
} from "../../conformance/index.ts";
import { SERVERS } from "../../scripts/servers/stock.ts";
import { listen } from "../middleware/shop.ts";
import { openEndpoint } from "./endpoint.ts";
import { openReference } from "./reference-server.ts";
import { openMppDoor } from "./mpp-door.ts";
import { openV1Door } from "./v1-door.ts";
import { MPP_RING_3, openMeddler } from "./mpp-mutants.ts";
import { LOAD_MUTANTS, RESTART_MUTANTS, RING_3 } from "./ring3-mutants.ts";
import { openRing3Shop } from "./ring3-shop.ts";

const RING_3_IDS = CASES.filter(({ ring }) => ring === 3).map(({ id }) => id);
const open = (patienceMs = 12_000) => openHarness({ patienceMs, outageMs: 20, stormMs: 1_000 });
const urls = ({ facilitatorUrl, witness }: Harness) => ({
  facilitatorUrl,
  witnessUrl: witness.url,
});

let harness: Harness;
beforeAll(async () => {
  // These shops wait for nobody longer than a second and a half.
  harness = await open(6_000);
});
afterAll(() => harness[Symbol.asyncDispose]());

const isBad = ({ verdict }: Result) => !["pass", "info", "skip"].includes(verdict);
const idsOf = (results: readonly Result[]) => [...new Set(results.map(({ id }) => id))];
/** Nobody has said how to start these servers again. */
const NEED_A_RESTART = ["RPLY-06", "IDEM-09", "WORK-09"];

/** Its payment must run out while the work goes on, which takes ten seconds. */
const isSlow = ([, kills]: (typeof RING_3)[number]) => kills.includes("WORK-04");
const QUICK = RING_3.filter((row) => !isSlow(row));

/** What is of another protocol too. */
const quickIn = (profile: Profile) =>
  QUICK.flatMap(([fault, kills]): (typeof RING_3)[number][] => {
    const own = kills.filter((id) => findCase(id)?.profiles.includes(profile));
    return own.length > 0 ? [[fault, own]] : [];
  });
const QUICK_IN_MPP = quickIn("mpp");
/** The one that is left out takes three seconds, and another fault kills what it does. */
const QUICK_IN_V1 = quickIn("x402-v1").filter(
  ([fault]) => fault !== "never asks again after an outage",
);

// On a busy machine the whole ring takes longer than one test may.
describe.concurrent("what takes its time", { timeout: 90_000 }, () => {
  const all = { ring: 3, only: RING_3_IDS } as const;

  test.each(RING_3.filter(isSlow))("a shop that %s fails %j", async (...row) => {
    await using own = await open();
    // As where many blocks came within a second: each is a second later than the one before.
    const { client } = own.payer.money!.chain;
    type Any = { Method: string; Parameters: unknown[]; ReturnType: unknown };
    await client.request<Any>({
      method: "anvil_setTime",
      params: [Math.floor(Date.now() / 1000) + 2],
    });
    await client.request<Any>({ method: "evm_mine", params: [] });
    await requireKilled(own, row);
  });

  test("a right shop has nothing to mend, and what cannot be seen is not put to its account", async () => {
    await using own = await open();
    await using shop = await openRing3Shop(urls(own));
    const { results } = await check({ ...all, url: shop.url, harness: own });
    const bad = results.filter(isBad);
    expect(bad.filter(({ id }) => !NEED_A_RESTART.includes(id))).toEqual([]);
    expect(bad.map(({ verdict, attribution }) => `${verdict} ${attribution}`)).toEqual(
      NEED_A_RESTART.map(() => "cannot-assess harness"),
    );
  });

  test("the same shop has nothing to mend behind a door that speaks MPP", async () => {
    await using own = await open();
    await using shop = await openRing3Shop(urls(own));
    await using door = await openMppDoor(shop.url);
    const { results } = await check({ ...all, url: door.url, harness: own, profiles: ["mpp"] });
    const bad = results.filter(isBad).filter(({ id }) => !NEED_A_RESTART.includes(id));
    expect(bad.map(({ id, seen }) => [id, seen])).toEqual([]);
  });

  test("our paywall has nothing to mend, in any protocol that it speaks", async () => {
    await using own = await open();
    await using shop = await openReference(urls(own));
    const { results, profiles } = await check({ ...all, url: shop.url, harness: own });
    const bad = results.filter(isBad);
    expect(bad.filter(({ id }) => !NEED_A_RESTART.includes(id))).toEqual([]);
    expect(profiles).toEqual(PROFILES);
    // These two look at shops of another kind, which come below.
    const skipped = results.filter(({ verdict }) => verdict === "skip");
    expect(idsOf(skipped)).toEqual(["WORK-15", "WORK-16"]);
  });

  test("our paywall delivers though its bookkeeping fails behind the settlement", async () => {
    await using own = await open();
    await using shop = await openReference({ ...urls(own), keepsBooks: true });
    const { results } = await check({ url: shop.url, ring: 3, harness: own, only: ["WORK-16"] });
    expect(results.map(({ verdict, profile }) => [profile, verdict])).toEqual(
      PROFILES.map((profile) => [profile, "pass"]),
    );
  });

  test.each(["a right shop", "our paywall"])(
    "%s sells a hundred at once, and ends every payment of a storm",
    async (which) => {
      // However slow the machine is: a hundred wait for each other.
      await using own = await open(60_000);
      const openIt = which === "our paywall" ? openReference : openRing3Shop;
      await using shop = await openIt(urls(own));
      const only = ["LOAD-04", "LOAD-05"];
      const profiles = ["x402-v2"] as const;
      const { results } = await check({
        url: shop.url,
        ring: 3,
        harness: own,
        only,
        profiles,
        load: true,
      });
      expect(results.map(({ id, verdict, seen }) => [id, verdict, seen])).toEqual(
        only.map((id) => [id, "pass", expect.any(String)]),
      );
    },
  );

  test("our paywall that settles first has nothing to mend", async () => {
    await using own = await open();
    await using shop = await openReference({ ...urls(own), flow: "settle-first" });
    const { results } = await check({
      url: shop.url,
      ring: 3,
      harness: own,
      profiles: ["x402-v2"],
      only: ["WORK-05", "WORK-07", "WORK-15", "WORK-19", "SETL-12", "IDEM-05"],
    });
    expect(results.filter(isBad)).toEqual([]);
    expect(results.find(({ id }) => id === "WORK-15")?.verdict).not.toBe("skip");
  });
});

/** Every case that the fault is said to break breaks, by the shop's own doing. */
async function requireKilled(
  harness: Harness,
  [fault, kills]: (typeof RING_3)[number],
  profile: Profile = "x402-v2",
): Promise<void> {
  await using shop = await openRing3Shop({ ...urls(harness), fault });
  const doors = { "x402-v2": undefined, "x402-v1": openV1Door, mpp: openMppDoor };
  await using door = await doors[profile]?.(shop.url);
  const { url } = door ?? shop;
  const { results } = await check({
    url,
    ring: 3,
    harness,
    only: kills,
    load: true,
    profiles: [profile],
  });
  for (const { verdict, level, seen, id, attribution } of results) {
    expect(`${id} ${verdict}`, seen).toBe(`${id} ${LEVELS[level].broken}`);
    expect(attribution).toBe("target");
  }
  expect(idsOf(results).toSorted()).toEqual(kills.toSorted());
}

describe("one fault", () => {
  test.each([...QUICK, ...LOAD_MUTANTS])("a shop that %s fails %j", async (...row) => {
    await requireKilled(harness, row);
  });

  test.each(QUICK_IN_MPP)("a shop of MPP that %s fails %j", async (...row) => {
    await requireKilled(harness, row, "mpp");
  });

  test.each(QUICK_IN_V1)("a shop of x402 v1 that %s fails %j", async (...row) => {
    await requireKilled(harness, row, "x402-v1");
  });

  test("is known in x402 v1 for every quick case of it", () => {
    const killed = new Set(QUICK_IN_V1.flatMap(([, kills]) => kills));
    const known = quickIn("x402-v1").flatMap(([, kills]) => kills);
    expect(known.filter((id) => !killed.has(id))).toEqual([]);
  });

  test("an endpoint of MPP that works for everybody who asks fails MPP-18", async () => {
    await using endpoint = await openEndpoint("mpp", () => {
      void fetch(harness.witness.url);
      return undefined;
    });
    const only = ["MPP-18"];
    const { results } = await check({ url: endpoint.url, ring: 3, harness, only });
    expect(results.map(({ verdict }) => verdict)).toEqual(["fail"]);
  });

  test.each(MPP_RING_3)("%s notices a server of MPP that %s", async (id, _, meddle) => {
    await using shop = await openReference(urls(harness));
    await using meddler = await openMeddler(new URL(shop.url).origin, meddle);
    const url = `${meddler.url}/paid`;
    const { results } = await check({ url, ring: 3, harness, only: [id], profiles: ["mpp"] });
    expect(results.map(({ verdict }) => verdict)).toEqual(["fail"]);
  });

  test("a stock server of MPP that believes whatever its facilitator says fails what shows it", async () => {
    const { facilitatorUrl, witnessUrl } = urls(harness);
    const open = SERVERS["mppx 0.11.0"]!;
    await using shop = await listen(await open({ facilitatorUrl, witnessUrl, database: "" }));
    const only = ["RPLY-03", "SETL-12", "WORK-08", "WORK-10"];
    const url = `${shop.url}/a`;
    const { results } = await check({ url, ring: 3, harness, only, profiles: ["mpp"] });
    const found = results.map(({ id, verdict, attribution }) => `${id} ${verdict} ${attribution}`);
    expect(found.toSorted()).toEqual(only.map((id) => `${id} fail target`));
  });

  test("is known for every case of ring 3", () => {
    const rows = [...RING_3, ...LOAD_MUTANTS, ...RESTART_MUTANTS].flatMap(([, kills]) => kills);
    const killed = new Set([...rows, "MPP-18", ...MPP_RING_3.map(([id]) => id)]);
    expect(RING_3_IDS.filter((id) => !killed.has(id))).toEqual([]);
  });
});

describe("what is not the endpoint's doing", () => {
  test("work that nobody sees is not assessed, and what is seen is judged", async () => {
    await using unseen = await listen(express().use((_, response) => void response.json({})));
    await using shop = await openRing3Shop({
      ...urls(harness),
      witnessUrl: unseen.url,
      fault: "takes silence for yes",
    });
    const only = ["WORK-01", "WORK-06"];
    const { results } = await check({ url: shop.url, ring: 3, harness, only });
    expect(results.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      "WORK-01 cannot-assess",
      "WORK-06 fail",
    ]);
  });

  test("a server with another facilitator is not assessed, and told which is ours", async () => {
    await using other = await open();
    await using shop = await openRing3Shop(urls(other));
    const only = ["WORK-01", "WORK-07"];
    const { results, outcome } = await check({ url: shop.url, ring: 3, harness, only });
    for (const { verdict, attribution, seen } of results) {
      expect(`${verdict} ${attribution}`).toBe("cannot-assess harness");
      expect(seen).toContain("facilitator");
    }
    expect(outcome).toBe("passed");
  });

  test("ring 3 without a harness is refused", async () => {
    await expect(check({ url: "http://127.0.0.1:1/", ring: 3 })).rejects.toMatchObject({
      code: "CHECK_PLAN_INVALID",
    });
  });

  test("a port that is taken is said to be", async () => {
    const port = Number(new URL(harness.witness.url).port);
    await expect(openHarness({ witnessPort: port })).rejects.toMatchObject({
      code: "CHECK_PORT_TAKEN",
    });
  });
});
