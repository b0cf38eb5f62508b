/** A spending policy as a person writes it: what is read from it, and each mistake that makes it none. */
import { expect, test } from "vitest";
import { readPolicy } from "../../middleware/fetch/spending-policy.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC } from "../../protocol/index.ts";

const PAYEE = `0x${"dd".repeat(20)}`;
const shop = { id: "shop", origins: ["https://api.example"], payees: [PAYEE] };
const read = (provider: object = {}, policy: object = {}) =>
  readPolicy({
    providers: [{ ...shop, ...provider }],
    maxPerCall: "0.01",
    ...policy,
  });

test("what it does not say is denied, or has the default", () => {
  expect(read()).toEqual({
    providers: [
      {
        ...shop,
        payees: ["0xDDdDddDdDdddDDddDDddDDDDdDdDDdDDdDDDDDDd"],
        assets: [BASE_SEPOLIA_USDC],
        maxPerMonth: 100_000_000n,
      },
    ],
    maxPerCall: 10_000n,
    maxPerMonth: 100_000_000n,
    maxCallsPerMinute: 60,
    mainnet: false,
    local: false,
  });
});

test("tokens are those of our table, by network and address", () => {
  const assets = [BASE_USDC, BASE_SEPOLIA_USDC].map(({ network, address }) => ({
    network,
    address,
  }));
  expect(read({ assets }).providers[0]?.assets).toEqual([BASE_USDC, BASE_SEPOLIA_USDC]);
});

test("a provider at several origins, and several payees, are as many", () => {
  const many = {
    origins: ["https://a.example", "https://b.example:8443"],
    payees: [PAYEE, `0x${"ee".repeat(20)}`],
  };
  expect(read(many).providers[0]).toMatchObject({ origins: many.origins });
  expect(read(many).providers[0]?.payees).toHaveLength(2);
  expect(read({ origins: ["http://127.0.0.1:1"] }, { local: true }).local).toBe(true);
});

test.each<[string, object, object, string]>([
  ["a payee that is none", { payees: ["0x12"] }, {}, "not an address"],
  ["something before a payee", { payees: [`x${PAYEE}`] }, {}, "not an address"],
  ["something after a payee", { payees: [`${PAYEE}0`] }, {}, "not an address"],
  ["an id that begins with a dash", { id: "-shop" }, {}, "not a name"],
  ["an id with a capital", { id: "shoP" }, {}, "not a name"],
  ["an id that is too long", { id: "a".repeat(51) }, {}, "not a name"],
  ["no origin", { origins: [] }, {}, "origins"],
  ["no payee", { payees: [] }, {}, "payees"],
  ["an origin with a path", { origins: ["https://api.example/v1"] }, {}, "is not an origin"],
  ["an origin that is no URL", { origins: ["api"] }, {}, '"api" is not an origin'],
  [
    "an origin without TLS",
    { origins: ["http://api.example"] },
    {},
    "http://api.example is not https",
  ],
  ["an origin that ends in https", { origins: ["http://https"] }, {}, "is not https"],
  ["an empty list of tokens", { assets: [] }, {}, "assets"],
  [
    "an unknown token",
    { assets: [{ network: "eip155:1", address: PAYEE }] },
    {},
    "is unknown to us",
  ],
  ["an amount that is none", {}, { maxPerCall: "1e4" }, 'not an amount of dollars such as "1.50"'],
  ["an amount that cannot be exact", { maxPerMonth: "0.0000001" }, {}, "not an amount"],
  ["no payment a minute", {}, { maxCallsPerMinute: 0 }, "maxCallsPerMinute"],
  ["a field that we do not know", {}, { maxPerDay: "1" }, "maxPerDay"],
  ["a field of a provider that we do not know", { maxPerDay: "1" }, {}, "maxPerDay"],
  [
    "two providers of one id",
    {},
    { providers: [shop, { ...shop, origins: ["https://b.example"] }] },
    "shop is the id of two",
  ],
  [
    "two providers at one origin",
    {},
    { providers: [shop, { ...shop, id: "other" }] },
    "https://api.example is the origin of two",
  ],
])("%s is a policy that cannot be used, and it is said", (_, provider, policy, words) => {
  const problem = expect.objectContaining({
    code: "POLICY_INVALID",
    problem: expect.stringContaining(words),
  });
  expect(() => read(provider, policy)).toThrow(problem);
});

test("everything that is wrong is said at once", () => {
  expect(() => read({ origins: ["http://a.example/x"] })).toThrow(
    /is not an origin.*; .*is not https/,
  );
});
