import { describe, expect, test } from "vitest";
import {
  buildRequest,
  CatalogProvider,
  findService,
  priceOf,
  purchaseId,
  readReturns,
  Service,
} from "../../protocol/index.ts";

const provider = CatalogProvider.parse({
  baseUrl: "http://127.0.0.1:4101/",
  profile: {
    id: "acme",
    name: "Acme",
    tos_url: "http://127.0.0.1/terms",
    tos_version: "1",
    issuer: "http://127.0.0.1:4101",
    payment: { pay_to: [], assets: [] },
  },
  services: [
    {
      id: "names",
      description: "Names.",
      pricing: {
        type: "paid",
        paid: [
          {
            type: "freeform",
            freeform: "$9",
            amount: "9",
            currency: "usd",
            interval: "year",
            configuration: { extension: "dev" },
          },
          {
            type: "freeform",
            freeform: "$20",
            amount: "20",
            currency: "usd",
            interval: "year",
            configuration: { extension: "co.uk" },
          },
        ],
      },
      operations: {
        create: {
          method: "POST",
          path: "/a/{account_id}/names",
          body: { wanted: ["{domain}"], years: 1 },
          paid: true,
        },
      },
    },
    { id: "free", description: "Free.", pricing: { type: "free" } },
  ],
});
const [names, free] = provider.services;

describe("a catalog entry", () => {
  test("is found by provider and service", () => {
    expect(findService({ providers: [provider] }, "acme/names").service).toBe(names);
  });

  test.each(["acme", "acme/", "/names", "other/names", "acme/nothing", "acme/__proto__"])(
    "%j is not one",
    (reference) => {
      expect(() => findService({ providers: [provider] }, reference)).toThrow(
        expect.objectContaining({ code: "SERVICE_UNKNOWN" }),
      );
    },
  );

  test("has the price of the domain's extension", () => {
    expect(priceOf(names!, { domain: "nimbus.dev" })?.amount).toBe("9");
    expect(priceOf(names!, { domain: "Nimbus.CO.UK" })?.amount).toBe("20");
    expect(priceOf(free!, {})).toBeNull();
  });

  test("has no price for what it does not sell", () => {
    expect(() => priceOf(names!, { domain: "nimbus.org" })).toThrow(
      expect.objectContaining({ code: "PRICE_UNKNOWN" }),
    );
  });
});

describe("an operation", () => {
  const call = { provider, service: names!, operation: "create" };

  test("and its inputs are one request, at the provider's own address", () => {
    expect(buildRequest({ ...call, inputs: { account_id: "a/b", domain: "nimbus.dev" } })).toEqual({
      method: "POST",
      url: "http://127.0.0.1:4101/a/a%2Fb/names",
      body: '{"wanted":["nimbus.dev"],"years":1}',
    });
  });

  test("has numbers and booleans in its body where the schema wants them, and texts in its path", () => {
    const body = { years: "{years}", renew: "{renew}", note: "{note}" };
    const properties = { years: { type: "integer" }, renew: { type: "boolean" } };
    const service = Service.parse({
      ...names,
      configuration_schema: { properties },
      operations: { create: { method: "POST", path: "/for/{years}", body } },
    });
    const inputs = { years: "2", renew: "true", note: "3" };
    expect(buildRequest({ ...call, service, inputs })).toMatchObject({
      url: "http://127.0.0.1:4101/for/2",
      body: '{"years":2,"renew":true,"note":"3"}',
    });
  });

  test("cannot be led to another path by an input", () => {
    const { url } = buildRequest({
      ...call,
      inputs: { account_id: "../../evil?x=#", domain: "a.b" },
    });
    expect(new URL(url).pathname).toBe("/a/..%2F..%2Fevil%3Fx%3D%23/names");
  });

  test.each([
    ["a missing input", { domain: "nimbus.dev" }, "create", "INPUT_MISSING"],
    ["an unknown operation", {}, "toString", "OPERATION_UNKNOWN"],
  ])("with %s is refused", (_, inputs, operation, code) => {
    expect(() => buildRequest({ ...call, operation, inputs })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  test("says where its results stand in the answer", () => {
    const returns = {
      available: "/result/0/ok",
      odd: "/result/0/a~1b",
      none: "/result/9/x",
      proto: "/__proto__",
    };
    expect(readReturns(returns, { result: [{ ok: true, "a/b": 1 }] })).toEqual({
      available: true,
      odd: 1,
    });
  });
});

describe("the id of a purchase", () => {
  const identity = {
    project: "p",
    service: "acme/names",
    operation: "create",
    inputs: { a: "1", b: "2" },
  };

  test("is the same however often and in whatever order it is asked for", () => {
    expect(purchaseId({ ...identity, inputs: { b: "2", a: "1" } })).toBe(purchaseId(identity));
  });

  test.each([
    ["project", { project: "q" }],
    ["service", { service: "acme/other" }],
    ["operation", { operation: "renew" }],
    ["inputs", { inputs: { a: "1", b: "3" } }],
  ])("is another for another %s", (_, change) => {
    expect(purchaseId({ ...identity, ...change })).not.toBe(purchaseId(identity));
  });
});
