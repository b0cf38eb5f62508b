/** Each way in which a price function can differ from the catalog that it belongs to. */
import { expect, test, vi } from "vitest";
import { Service } from "../../protocol/index.ts";
import { requireCatalogPrice } from "../../provider/kit/resources/catalog-price.ts";
import { termsOf } from "../../provider/kit/resources/pricing.ts";

vi.spyOn(process, "emitWarning").mockReturnValue();
const CATALOG = { type: "freeform", freeform: "", currency: "usd", interval: "month" } as const;
const BY_USE = { kind: "usage", unit: "litre" } as const;
type Asked = { amount: string; interval?: "month" | "year" | "one_time"; kind?: "usage" } | null;

function check(asked: Asked, listed: object | null = {}): void {
  const paid = [{ ...CATALOG, amount: "2.00", ...listed }];
  const pricing = listed ? { type: "paid", paid } : { type: "free" };
  const service = Service.parse({ id: "box", description: "", pricing });
  const price = { box: () => asked && { freeform: "", interval: "month" as const, ...asked } };
  requireCatalogPrice(termsOf(service, {}, { price }), { service, listed: service }, {});
}

test.each<[string, Asked, object | null]>([
  ["as much", { amount: "2.00" }, {}],
  ["as much, written otherwise", { amount: "2" }, {}],
  ["less", { amount: "1.99" }, {}],
  ["nothing", null, {}],
  ["nothing for what is free", null, null],
  ["as much for each unit", { amount: "2.00", ...BY_USE }, BY_USE],
])("a function may ask %s", (_what, asked, listed) => {
  expect(() => check(asked, listed)).not.toThrow();
});

test.each<[string, Asked, object | null, RegExp]>([
  ["the smallest unit more", { amount: "2.000001" }, {}, /asks \$2\.000001.*says \$2\.00/],
  ["anything for what is free", { amount: "0.01" }, null, /says free/],
  ["for another period", { amount: "2.00", interval: "year" }, {}, /"year".*"month"/],
  ["by use for what is not", { amount: "2.00", ...BY_USE }, {}, /not by use/],
  ["in advance for what is billed by use", { amount: "2.00" }, BY_USE, /says usage/],
  ["more for each unit", { amount: "2.01", ...BY_USE }, BY_USE, /asks \$2\.01/],
  ["what is no amount", { amount: "1.0000001" }, {}, /no decimal text/],
])("a function may not ask %s", (_what, asked, listed, problem) => {
  const code = "price_not_in_catalog";
  const told = expect.objectContaining({ code, problem: expect.stringMatching(problem) });
  expect(() => check(asked, listed)).toThrow(told);
});
