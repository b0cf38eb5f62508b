/** Ring 0: a right endpoint passes every case, and each case is failed by an endpoint with one fault. */
import { describe, expect, test } from "vitest";
import { CASES, check, LEVELS, PROFILES } from "../../conformance/index.ts";
import { openEndpoint } from "./endpoint.ts";
import { CHAIN_MUTANTS, MUTANTS } from "./mutants.ts";

describe("a right endpoint", () => {
  test.each(PROFILES)("of %s has nothing to mend", async (profile) => {
    await using endpoint = await openEndpoint(profile);
    const report = await check({ url: endpoint.url, ring: profile === "mpp" ? 1 : 0 });
    const findings = report.results.filter(
      ({ verdict }) => !["pass", "info", "skip"].includes(verdict),
    );
    expect(findings).toEqual([]);
    expect(report).toMatchObject({ outcome: "passed", profiles: [profile] });
  });
});

describe("one fault", () => {
  test.each(MUTANTS.map((mutant) => [mutant.kills, mutant.fault, mutant] as const))(
    "%s notices an endpoint that %s",
    async (id, _, { profile, make, options = {}, query = "", verdict }) => {
      await using endpoint = await openEndpoint(profile, make);
      const own = options.resolveHost ? `http://shop.example:${endpoint.port}/paid` : endpoint.url;
      const url = own + query;
      const report = await check({ url, profiles: [profile], only: [id], ...options });
      const bad = report.results.find((result) => result.id === id);
      expect(bad?.verdict, bad?.seen).toBe(verdict ?? LEVELS[bad!.level].broken);
    },
  );

  test("is known for every case that can fail without a sale", () => {
    const killed = new Set([...MUTANTS, ...CHAIN_MUTANTS].map(({ kills }) => kills));
    const able = CASES.filter(
      ({ id, ring, level }) =>
        (ring === 0 || (ring === 1 && id.startsWith("MPP"))) && level !== "info",
    );
    expect(able.map(({ id }) => id).filter((id) => !killed.has(id))).toEqual([]);
  });
});
