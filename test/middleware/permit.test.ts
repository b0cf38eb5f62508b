/** What a policy says of one 402, without a wallet or a server: the offer, the limits with their names, and each side of each bound. */
import { expect, test } from "vitest";
import { chooseOffer } from "../../middleware/choose-offer.ts";
import { findExcess, findTooOften, permit } from "../../middleware/fetch/permit.ts";
import { readPolicy, type SpendingPolicy } from "../../middleware/fetch/spending-policy.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC, type Offer } from "../../protocol/index.ts";

const PAYEE = "0xDDdDddDdDdddDDddDDddDDDDdDdDDdDDdDDDDDDd";
const URL_ASKED = "https://api.example/report";
const provider = { id: "shop", origins: ["https://api.example"], payees: [PAYEE] };

function offer(fields: Partial<Offer> = {}): Offer {
  const { network, address: asset } = BASE_SEPOLIA_USDC;
  const raw = { scheme: "exact", network, asset, payTo: PAYEE };
  return {
    x402Version: 2,
    scheme: "exact",
    network,
    amount: 10_000n,
    asset,
    payTo: PAYEE,
    maxTimeoutSeconds: 60,
    resource: URL_ASKED,
    raw,
    ...fields,
  };
}

function ask(
  policy: Partial<SpendingPolicy> = {},
  {
    amount = 10_000n,
    url = URL_ASKED,
    maxAmount,
  }: { amount?: bigint; url?: string; maxAmount?: bigint } = {},
) {
  return permit(readPolicy({ providers: [provider], maxPerCall: "0.01", ...policy }), {
    purchase: "pay_1",
    request: { method: "GET", url },
    offers: [offer({ amount })],
    maxAmount,
    scope: "p",
  });
}

test("it names what is paid, to whom, and the limits that it counts under", () => {
  const granted = ask({ maxPerMonth: "3", maxPerPurchase: "0.5", maxCallsPerMinute: 7 });
  expect(granted).toMatchObject({
    quote: {
      provider: "shop",
      service: "shop/fetch",
      request: { method: "GET", url: URL_ASKED },
      maxAmount: 10_000n,
      currency: "usd",
      payTo: [PAYEE],
      assets: [BASE_SEPOLIA_USDC],
    },
    offer: { amount: 10_000n },
    rate: { name: "wallet", max: 7 },
    needsApproval: false,
  });
  expect(granted.scopes).toEqual([
    { name: "provider:p/shop", kind: "cap", max: 100_000_000n, perMonth: true },
    { name: "wallet", kind: "cap", max: 3_000_000n, perMonth: true },
    { name: "purchase:pay_1", kind: "budget", max: 500_000n, perMonth: false },
  ]);
});

test("without a limit of its own a purchase is under the provider's and the wallet's", () => {
  expect(ask().scopes.map(({ name }) => name)).toEqual(["provider:p/shop", "wallet"]);
});

test.each([
  ["the policy's", {}, undefined, 10_000n],
  ["the provider's", { providers: [{ ...provider, maxPerCall: "0.005" }] }, undefined, 5_000n],
  [
    "a higher one of the provider's is not",
    { providers: [{ ...provider, maxPerCall: "1" }] },
    undefined,
    10_000n,
  ],
  ["the caller's", {}, 4_000n, 4_000n],
  ["a higher one of the caller's is not", {}, 20_000n, 10_000n],
])("of all limits for a call the lowest holds: %s", (_, policy, maxAmount, expected) => {
  const asked = { amount: 1n, ...(maxAmount === undefined ? {} : { maxAmount }) };
  expect(ask(policy, asked).quote.maxAmount).toBe(expected);
  expect(() => ask(policy, { ...asked, amount: expected + 1n })).toThrow(
    expect.objectContaining({ code: "OFFER_PRICE" }),
  );
  expect(ask(policy, { ...asked, amount: expected }).offer.amount).toBe(expected);
});

test.each([
  ["0.01", false],
  ["0.009999", true],
  [undefined, false],
])("with a person asked above %s, a cent is asked for: %s", (approveAbove, expected) => {
  expect(ask(approveAbove === undefined ? {} : { approveAbove }).needsApproval).toBe(expected);
});

test("where the policy names nobody, the refusal names the origin", () => {
  for (const url of [
    "https://other.example/report",
    "https://api.example:444/",
    "http://api.example/",
  ]) {
    expect(() => ask({}, { url })).toThrow(
      expect.objectContaining({
        code: "ORIGIN_NOT_ALLOWED",
        details: { origin: new URL(url).origin },
      }),
    );
  }
});

test("real money is refused until the policy allows it", () => {
  const { network, address } = BASE_USDC;
  const policy = {
    providers: [{ ...provider, assets: [{ network, address }] }],
    maxPerCall: "0.01",
  };
  const question = {
    purchase: "pay_1",
    request: { method: "GET", url: URL_ASKED },
    offers: [offer({ network, asset: address })],
    maxAmount: undefined,
    scope: "p",
  };
  expect(() => permit(readPolicy(policy), question)).toThrow(
    expect.objectContaining({ code: "OFFER_MAINNET" }),
  );
  expect(permit(readPolicy({ ...policy, mainnet: true }), question).offer.network).toBe(network);
});

test.each([
  ["budget", "BUDGET_EXCEEDED"],
  ["cap", "CAP_EXCEEDED"],
] as const)(
  "of a %s the last unit is free, one more is an excess that says what is left",
  (kind, code) => {
    const scope = { name: "wallet", kind, max: 30_000n, perMonth: true };
    expect(findExcess(10_000n, scope, 20_000n)).toBeUndefined();
    const excess = findExcess(10_001n, scope, 20_000n);
    expect(excess).toMatchObject({ code, details: { scope: "wallet" } });
    expect(excess?.message).toContain("0.010001 is asked for, and 0.01 is left");
    expect(findExcess(1n, scope, 40_000n)?.message).toContain(
      "0.000001 is asked for, and 0.00 is left",
    );
  },
);

test("the last payment of a minute is free, and one more is too many", () => {
  expect(findTooOften({ name: "wallet", max: 3 }, 2)).toBeUndefined();
  expect(findTooOften({ name: "wallet", max: 3 }, 3)).toMatchObject({
    code: "RATE_EXCEEDED",
    problem: expect.stringContaining("3 payments were begun in the last minute, and 3 are allowed"),
  });
  expect(findTooOften({ name: "wallet", max: 3 }, 4)).toMatchObject({ code: "RATE_EXCEEDED" });
});

test.each([
  [[3n, 1n, 2n], 1],
  [[1n, 2n, 3n], 0],
  [[2n, 3n, 1n], 2],
])("of offers at %s the cheapest is taken", (amounts, index) => {
  const offers = amounts.map((amount) => offer({ amount }));
  expect(chooseOffer(offers, ask().quote, {})).toBe(offers[index]);
});

test("of offers at one price the first is taken, and of refused ones the cheapest says why", () => {
  const { quote } = ask();
  const same = [offer(), offer(), offer()];
  expect(chooseOffer(same, quote, {})).toBe(same[0]);
  const refused = [offer({ amount: 20_000n }), offer({ scheme: "upto" })];
  expect(() => chooseOffer(refused, quote, {})).toThrow(
    expect.objectContaining({ code: "OFFER_SCHEME" }),
  );
});
