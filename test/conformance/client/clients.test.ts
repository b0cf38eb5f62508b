/** Clients under test: ours hold, a client that pays nothing is invalid, and each case is failed by a client with one fault. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkClient,
  CLIENT_CASES,
  functionClient,
  LEVELS,
  type LocalWorld,
  openLocalWorld,
  type Order,
  PROFILES,
  reportAs,
} from "../../../conformance/index.ts";
import { purserClient } from "../../../scripts/clients/purser.ts";
import { PROBLEMS_OF } from "../report-schemas.ts";
import { CLIENT_MUTANTS } from "./mutants.ts";
import { smallClient } from "./small-client.ts";

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

type Options = Partial<Parameters<typeof checkClient>[0]>;
const checkIt = (pay: (order: Order) => Promise<Response>, options: Options = {}) =>
  checkClient({
    client: functionClient(pay),
    name: "a client",
    world,
    deadlineMs: 10_000,
    ...options,
  });
const bad = ({ verdict }: { verdict: string }) => verdict !== "pass";

test.each(PROFILES)("our paying fetch holds in %s, and loses nothing", async (profile) => {
  using ours = purserClient();
  const report = await checkIt(ours.pay, { profiles: [profile] });
  expect(report.results.filter(bad)).toEqual([]);
  expect(report).toMatchObject({ outcome: "passed", client: { lost: "0" } });
});

test.each(PROFILES)("a right client of %s alone is tested in that one", async (profile) => {
  const report = await checkIt(smallClient({}, profile));
  expect(report.results.filter(bad).map(({ id, seen }) => [id, seen])).toEqual([]);
  expect(report.profiles).toEqual([profile]);
});

test("a client that pays nothing is invalid, and passes no case", async () => {
  const report = await checkIt(() => Promise.reject(new Error("no money")));
  expect(report.outcome).toBe("incomplete");
  expect(new Set(report.results.map(({ verdict }) => verdict))).toEqual(new Set(["cannot-assess"]));
  expect(report.results[0]?.seen).toMatch(/^INVALID: .*nothing was signed.*no money/);
});

test("a client that refuses what costs its limit to the unit is invalid: it refuses too much", async () => {
  const pay = smallClient();
  const timid = (order: Order) => pay({ ...order, max: order.max - 1n });
  const report = await checkIt(timid, { only: ["CLIENT-01", "CLIENT-02"], profiles: ["x402-v2"] });
  expect(report.results.map(({ verdict }) => verdict)).toEqual(["cannot-assess", "pass"]);
});

describe("one fault", () => {
  test.each(CLIENT_MUTANTS)("%s notices a client that %s", async (id, _, faults) => {
    const report = await checkIt(smallClient(faults), { only: [id], profiles: ["x402-v2"] });
    const [found] = report.results;
    expect(found?.verdict, found?.seen).toBe(LEVELS[found!.level].broken);
  });

  /** What each protocol reads, writes or derives in its own way; the others hold for all three alike. */
  const own = /^CLIENT-(01|08|10|13|14|15|16|21|30|36|40|41|43)$/;
  const others = CLIENT_MUTANTS.filter(([id]) => own.test(id)).flatMap(([id, fault, faults]) => {
    const { profiles = [] } = CLIENT_CASES.find((one) => one.id === id) ?? {};
    const wanted = (["x402-v1", "mpp"] as const).filter((one) => profiles.includes(one));
    return wanted.map((profile) => [id, profile, fault, faults] as const);
  });

  test.each(others)("%s notices a client of %s that %s", async (id, profile, _, faults) => {
    const report = await checkIt(smallClient(faults, profile), { only: [id], profiles: [profile] });
    const [found] = report.results;
    expect(found?.verdict, found?.seen).toBe(LEVELS[found!.level].broken);
  });

  test("is known for every case", () => {
    const killed = new Set<string>(CLIENT_MUTANTS.map(([id]) => id));
    expect(CLIENT_CASES.map(({ id }) => id).filter((id) => !killed.has(id))).toEqual([]);
  });
});

test("what was signed and what was lost are told in atomic units, as the chain has it", async () => {
  const report = await checkIt(smallClient({ ignoresLimit: true }), { only: ["CLIENT-01"] });
  expect(report.results[0]).toMatchObject({ money: { signed: "100000", lost: "90000" } });
  expect(report.client).toMatchObject({ lost: "90000" });
  expect(report.results[0]?.seen).toContain("told to pay at most 20000, and signed for 100000");
  for (const [format, problemsOf] of Object.entries(PROBLEMS_OF)) {
    expect(problemsOf(reportAs(format as keyof typeof PROBLEMS_OF, report))).toBeUndefined();
  }
});

test("payments and the key are in no report", async () => {
  const key = `0x${"5e".repeat(32)}` as const;
  const caught: string[] = [];
  const pay = smallClient();
  const report = await checkIt(
    (order) => {
      caught.push(order.key.slice(2));
      return pay(order);
    },
    { key, only: ["CLIENT-01", "CLIENT-30"], profiles: ["x402-v2"] },
  );
  const text = JSON.stringify(report);
  expect(caught[0]).toBe(key.slice(2));
  expect(text).not.toContain(key.slice(2));
  expect(text).toContain("PAYMENT-SIGNATURE");
  expect(text).not.toMatch(/0x[0-9a-f]{130}/);
});

test("a client that does not end is ended, and told so", async () => {
  const pay = smallClient();
  const report = await checkIt(
    async (order) => {
      const response = await pay(order).catch(() => undefined);
      return response ?? (await Promise.withResolvers<Response>().promise);
    },
    { only: ["CLIENT-01", "CLIENT-40"], profiles: ["x402-v2"], deadlineMs: 150 },
  );
  expect(report.results.map(({ id, verdict }) => [id, verdict])).toEqual([
    ["CLIENT-01", "warn"],
    ["CLIENT-40", "fail"],
  ]);
});
