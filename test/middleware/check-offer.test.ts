/** Each reason not to pay an offer, as the reader of the refusal sees it: the code, the values that failed, and what to do. */
import { describe, expect, test } from "vitest";
import { checkOffer, uncheckedPolicy } from "../../middleware/index.ts";
import { chooseOffer } from "../../middleware/choose-offer.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC, type OfferTerms } from "../../protocol/index.ts";

const PAYEE = `0x${"dD".repeat(20)}` as const;
const OTHER = `0x${"eE".repeat(20)}` as const;
const QUOTE = {
  provider: "shop",
  service: "shop/items",
  request: { method: "GET", url: "https://shop.example/a?x=1", body: undefined },
  maxAmount: 10_000n,
  currency: "usd",
  payTo: [PAYEE],
  assets: [BASE_SEPOLIA_USDC],
} as const;
const REAL = { network: BASE_USDC.network, asset: BASE_USDC.address };

const offerOf = (fields: Partial<OfferTerms> = {}): OfferTerms => ({
  scheme: "exact",
  network: BASE_SEPOLIA_USDC.network,
  amount: 10_000n,
  asset: BASE_SEPOLIA_USDC.address,
  payTo: PAYEE,
  maxTimeoutSeconds: 60,
  resource: QUOTE.request.url,
  raw: {},
  ...fields,
});

test.each<[string, string, Partial<OfferTerms>]>([
  [
    "OFFER_SCHEME",
    'It wants the scheme "upto" by "eip3009"; we pay "exact" by EIP-3009.',
    { scheme: "upto" },
  ],
  [
    "OFFER_SCHEME",
    'It wants the scheme "exact" by "permit2"; we pay "exact" by EIP-3009.',
    { raw: { extra: { assetTransferMethod: "permit2" } } },
  ],
  ["OFFER_NETWORK", 'It is on "eip155:1", unknown to us.', { network: "eip155:1" }],
  ["OFFER_NETWORK", 'It is on "eip155:8453", which the catalog does not name.', REAL],
  [
    "OFFER_ASSET",
    `It wants the token ${OTHER}, which the catalog does not name.`,
    { asset: OTHER },
  ],
  ["OFFER_PRICE", "It asks for nothing, and nothing cannot be paid.", { amount: 0n }],
  [
    "OFFER_PRICE",
    "It asks for 0.010001, and the most that may be paid is 0.01.",
    { amount: 10_001n },
  ],
  ["OFFER_PAYEE", `It would pay ${OTHER}, and the catalog names ${PAYEE}.`, { payTo: OTHER }],
  [
    "OFFER_RESOURCE",
    'It sells "https://evil.example/", and we asked for https://shop.example/a?x=1.',
    { resource: "https://evil.example/" },
  ],
  [
    "OFFER_RESOURCE",
    'It sells "nothing that it names", and we asked for https://shop.example/a?x=1.',
    { resource: undefined },
  ],
  [
    "OFFER_EXPIRY",
    "It must settle within 9 seconds, which is too short to be sure of.",
    { maxTimeoutSeconds: 9 },
  ],
])("%s: %s", (code, problem, fields) => {
  expect(checkOffer(offerOf(fields), QUOTE, {})?.toJSON()).toEqual({
    code,
    problem: `The provider's offer for shop/items is refused. ${problem}`,
    nextStep: "Nothing was paid. Do not try to pay it another way; choose another provider.",
    details: { service: "shop/items", provider: "shop" },
  });
});

describe("an offer is allowed", () => {
  test.each<[string, Partial<OfferTerms>]>([
    ["at the price", {}],
    ["below it", { amount: 1n }],
    ["that names its method of transfer", { raw: { extra: { assetTransferMethod: "eip3009" } } }],
    ["that has no extra", { raw: { extra: null } }],
    ["to the payee in other letters", { payTo: PAYEE.toLowerCase() as typeof PAYEE }],
    ["in the shortest window", { maxTimeoutSeconds: 10 }],
    ["that leaves out the query", { resource: "https://shop.example/a" }],
    ["that says http behind a proxy", { resource: "http://shop.example/a?x=1" }],
  ])("%s", (_, fields) => expect(checkOffer(offerOf(fields), QUOTE, {})).toBeUndefined());

  test("only where nobody is named does the refusal say so", () => {
    const refusal = checkOffer(offerOf(), { ...QUOTE, payTo: [] }, {});
    expect(refusal?.problem).toContain(`It would pay ${PAYEE}, and the catalog names nobody.`);
    const two = checkOffer(offerOf({ payTo: OTHER }), { ...QUOTE, payTo: [PAYEE, PAYEE] }, {});
    expect(two?.problem).toContain(`names ${PAYEE}, ${PAYEE}.`);
  });

  test.each([
    ["https for http", "https://shop.example/a", "http://shop.example/a"],
    ["another protocol of the same host", "ftp://shop.example/a", "https://shop.example/a"],
    ["http for another protocol", "http://shop.example/a", "ftp://shop.example/a"],
    ["another query", "https://shop.example/a?x=2", "https://shop.example/a?x=1"],
    ["another path", "https://shop.example/b", "https://shop.example/a"],
    ["another host behind a proxy", "http://evil.example/a", "https://shop.example/a"],
    ["a resource that is no URL", "a", "https://shop.example/a"],
    ["a request that is none", "https://shop.example/a", "a"],
  ])("but not with %s", (_, resource, url) => {
    const quote = { ...QUOTE, request: { ...QUOTE.request, url } };
    expect(checkOffer(offerOf({ resource }), quote, {})?.code).toBe("OFFER_RESOURCE");
  });
});

test("of tokens those are paid that the catalog names, on whichever of its networks", () => {
  const both = { ...QUOTE, assets: [BASE_USDC, BASE_SEPOLIA_USDC] };
  expect(checkOffer(offerOf(), both, {})).toBeUndefined();
  const another = { ...QUOTE, assets: [{ ...BASE_SEPOLIA_USDC, address: OTHER }] };
  expect(checkOffer(offerOf(), another, {})?.code).toBe("OFFER_ASSET");
});

test("real money moves only where the policy says so, even where the catalog names it", () => {
  const quote = { ...QUOTE, assets: [BASE_USDC] };
  for (const policy of [{}, { mainnet: false }, uncheckedPolicy] as const) {
    const refusal = checkOffer(offerOf(REAL), quote, policy);
    expect(refusal).toMatchObject({
      code: "OFFER_MAINNET",
      problem: expect.stringContaining('It would move real money on "eip155:8453", and the wallet'),
    });
  }
  expect(checkOffer(offerOf(REAL), quote, { mainnet: true })).toBeUndefined();
});

test("unchecked, price, payee and resource are let through, and nothing else", () => {
  const free = offerOf({ amount: 1_000_000n, payTo: OTHER, resource: undefined });
  expect(checkOffer(free, QUOTE, uncheckedPolicy)).toBeUndefined();
  const refused: [Partial<OfferTerms>, string][] = [
    [{ scheme: "upto" }, "OFFER_SCHEME"],
    [{ network: "eip155:1" }, "OFFER_NETWORK"],
    [{ asset: OTHER }, "OFFER_ASSET"],
    [{ amount: 0n }, "OFFER_PRICE"],
    [{ maxTimeoutSeconds: 9 }, "OFFER_EXPIRY"],
  ];
  for (const [fields, code] of refused)
    expect(checkOffer(offerOf(fields), QUOTE, uncheckedPolicy)?.code).toBe(code);
});

test("a stranger's word is cut at 200 characters", () => {
  const scheme = "s".repeat(201);
  const { problem } = checkOffer(offerOf({ scheme }), QUOTE, {})!;
  expect(problem).toContain(`the scheme "${"s".repeat(200)}" by`);
});

describe("of several offers", () => {
  const offers = [3n, 1n, 2n, 1n].map((amount, index) =>
    offerOf({ amount, maxTimeoutSeconds: 60 + index }),
  );

  test("the cheapest is chosen, and the first of those that cost the same", () => {
    expect(chooseOffer(offers, QUOTE, {})).toBe(offers[1]);
  });

  test("a cheaper one that may not be paid is passed over", () => {
    const bad = offerOf({ amount: 1n, payTo: OTHER });
    expect(chooseOffer([bad, offers[2]!], QUOTE, {})).toBe(offers[2]);
  });

  test("where none may be paid, the reason is the cheapest one's", () => {
    const dear = offerOf({ amount: 20_000n });
    const foreign = offerOf({ amount: 30_000n, network: "eip155:1" });
    const throwing = () => chooseOffer([foreign, dear], QUOTE, {});
    expect(throwing).toThrow(expect.objectContaining({ code: "OFFER_PRICE" }));
  });
});
