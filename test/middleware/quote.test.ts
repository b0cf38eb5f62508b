import { expect, test } from "vitest";
import { quoteFor } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, Catalog } from "../../protocol/index.ts";
import { catalogOf } from "./buyer.ts";

const payTo = `0x${"dd".repeat(20)}`;
const catalog = catalogOf({ url: "http://shop.example/", payTo, price: "12.18" });
const order = { catalog, service: "shop/items", operation: "create", inputs: { item: "a" } };
const coded = (code: string) => expect.objectContaining({ code });

/** A catalog that differs in its one provider or service. */
function changed(change: (catalog: Catalog) => void): Catalog {
  const copy = structuredClone(catalog);
  change(copy);
  return copy;
}

test("a quote is the catalog's request, price, payee and token, exactly", () => {
  expect(quoteFor(order)).toEqual({
    provider: "shop",
    service: "shop/items",
    request: { method: "POST", url: "http://shop.example/shop/items", body: '{"item":"a"}' },
    maxAmount: 12_180_000n,
    currency: "usd",
    payTo: ["0xDdDdDDDDDDDdDDdDdDDDddddDDDdDdDdddddDdDD"].map((text) =>
      expect.stringMatching(new RegExp(text, "i")),
    ),
    assets: [BASE_SEPOLIA_USDC],
  });
});

test("a free service may cost nothing at all", () => {
  const free = changed(({ providers }) => {
    providers[0]!.services[0]!.pricing = { type: "free" };
  });
  expect(quoteFor({ ...order, catalog: free }).maxAmount).toBe(0n);
});

test("a token that we do not know, or that counts in other units, is left out", () => {
  const odd = changed(({ providers }) => {
    providers[0]!.profile.payment.assets.push({
      network: "eip155:84532",
      address: `0x${"0d".repeat(20)}`,
    });
  });
  expect(quoteFor({ ...order, catalog: odd }).assets).toEqual([BASE_SEPOLIA_USDC]);
});

test("an input with slashes and quotes stays inside its place", () => {
  const { request } = quoteFor({ ...order, inputs: { item: '../../"a' } });
  expect(request).toMatchObject({
    url: "http://shop.example/shop/items",
    body: '{"item":"../../\\"a"}',
  });
});

test.each([
  ["SERVICE_UNKNOWN", { service: "shop/other" }],
  ["SERVICE_UNKNOWN", { service: "items" }],
  ["OPERATION_UNKNOWN", { operation: "destroy" }],
  ["INPUT_MISSING", { inputs: {} }],
])("%s where the catalog does not have it: %o", (code, change) => {
  expect(() => quoteFor({ ...order, ...change })).toThrow(coded(code));
});

test("a price finer than the token's smallest unit is refused, not rounded", () => {
  const fine = changed(({ providers }) => {
    providers[0]!.services[0]!.pricing = {
      type: "paid",
      paid: [
        {
          type: "freeform",
          freeform: "",
          amount: "0.0000001",
          currency: "usd",
          interval: "one_time",
        },
      ],
    };
  });
  expect(() => quoteFor({ ...order, catalog: fine })).toThrow(coded("AMOUNT_INVALID"));
});
