/** Several routes at once: which operations of an OpenAPI document are paid, how they are asked, and what one report says of all. */
import { describe, expect, test } from "vitest";
import { check, mergeReports, paidRoutes, ReportSchema } from "../../conformance/index.ts";
import { openEndpoint } from "./endpoint.ts";

const BASE = "http://127.0.0.1:4021";
const paid = { responses: { 200: {}, 402: {} } };
const routesOf = (paths: object, rest: object = {}) =>
  paidRoutes(JSON.stringify({ openapi: "3.1.0", paths, ...rest }), BASE);

describe("an OpenAPI document", () => {
  test("gives its paid operations, with its own examples", () => {
    const routes = routesOf(
      {
        "/free": { get: { responses: { 200: {} } } },
        "/cities/{name}": {
          parameters: [{ in: "path", name: "name", example: "La Chaux-de-Fonds/NE" }],
          get: {
            ...paid,
            parameters: [
              {
                in: "query",
                name: "days",
                required: true,
                schema: { type: "integer", minimum: 3 },
              },
            ],
          },
        },
        "/order": {
          post: {
            "x-payment-info": { price: "0.01" },
            requestBody: {
              content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } },
            },
          },
        },
      },
      {
        servers: [{ url: "https://elsewhere.example/v1/" }],
        components: {
          schemas: {
            Order: {
              required: ["item"],
              properties: { item: { type: "string", enum: ["tea"] }, note: {} },
            },
          },
        },
      },
    );
    expect(routes).toEqual([
      { method: "GET", url: `${BASE}/v1/cities/La%20Chaux-de-Fonds%2FNE?days=3` },
      { method: "POST", url: `${BASE}/v1/order`, body: '{"item":"tea"}' },
    ]);
  });

  test("never leads to another host, and may be YAML", () => {
    const yaml =
      'servers: [{ url: "http://169.254.169.254/latest" }]\npaths:\n  /a:\n    get:\n      responses: { "402": {} }\n';
    expect(paidRoutes(yaml, BASE)).toEqual([{ method: "GET", url: `${BASE}/latest/a` }]);
  });

  test("follows no reference out of itself, and none in circles", () => {
    const circle = { $ref: "#/components/schemas/A" };
    const schema = { properties: { inner: circle }, required: ["inner"] };
    const [route] = routesOf(
      {
        "/a": {
          post: { ...paid, requestBody: { content: { "application/json": { schema: circle } } } },
        },
      },
      { components: { schemas: { A: schema } } },
    );
    expect(route?.body).toMatch(/^\{"inner":/);
    const away = { $ref: "https://other.example/schema.json" };
    const [other] = routesOf({
      "/a": {
        post: { ...paid, requestBody: { content: { "application/json": { schema: away } } } },
      },
    });
    expect(other?.body).toBe('"example"');
  });

  test.each([
    ["that is none", "nonsense: ["],
    ["without operations", '{"paths":{}}'],
    ["where nothing is paid", '{"paths":{"/a":{"get":{"responses":{"200":{}}}}}}'],
  ])("%s is refused", (_, text) => {
    expect(() => paidRoutes(text, BASE)).toThrow(
      expect.objectContaining({ code: "CHECK_FILE_INVALID" }),
    );
  });
});

describe("one report of two routes", () => {
  const only = ["HTTP-01", "CHAL-01", "CHAL-11"];

  test("says of each finding which route it is, and keeps its evidence", async () => {
    await using right = await openEndpoint("x402-v2");
    await using wrong = await openEndpoint("x402-v2", (_, { method }) =>
      method === "HEAD" ? { status: 200, headers: {}, body: "" } : undefined,
    );
    const baseline = ["CHAL-11"];
    const reports = [
      await check({ url: right.url, only, baseline }),
      await check({ url: wrong.url, only, baseline: [...baseline, "HTTP-01"] }),
    ];
    const merged = ReportSchema.parse(mergeReports(reports, BASE));
    expect(merged).toMatchObject({
      outcome: "failed",
      counts: { fail: 1, pass: 5 },
      stale: baseline,
    });
    const finding = merged.results.find(({ verdict }) => verdict === "fail");
    expect(finding).toMatchObject({ id: "HTTP-01", known: true, route: { url: wrong.url } });
    for (const index of finding!.exchanges) expect(merged.exchanges[index]?.url).toBe(wrong.url);
    expect(merged.exchanges.map(({ index }) => index)).toEqual([...merged.exchanges.keys()]);
  });
});
