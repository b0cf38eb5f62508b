/**
 * The other half of the matrix: every case of rings 0 to 2 that can fail passes our paywall, somewhere. A plain route passes most of
 * them; the others need a shop that has what they look at: a login, prices by the order, a price that moves, a second instance.
 */
import { readFileSync } from "node:fs";
import { createSecureServer as createHttp2Server } from "node:http2";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import * as tls from "node:tls";
import express, { type Express } from "express";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CASES,
  check,
  type CheckOptions,
  type LocalWorld,
  openLocalWorld,
  type Profile,
  PROFILES,
} from "../../conformance/index.ts";
import { paywall, type PaywallOptions } from "../../middleware/index.ts";
import { openDatabase } from "../../store/index.ts";
import { listen, openShop } from "../middleware/shop.ts";
import { BASE_USDC, decodeJson, encodeJson } from "../../protocol/index.ts";
import {
  type Answer,
  type Fault,
  mppHeader,
  openEndpoint,
  PAY_TO,
  v1Challenge,
} from "./endpoint.ts";

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const bad = ({ verdict }: { verdict: string }) => !["pass", "info", "skip"].includes(verdict);
/** Whether ten milliseconds lie between two refusals is also the machine's: there a warning is no failure of ours. */
const isPass = ({ id, verdict }: { id: string; verdict: string }) =>
  verdict === "pass" || (id === "TIME-02" && verdict === "warn");
const passed = new Set<string>();

async function run(url: string, options: Omit<CheckOptions, "url">) {
  const { payer } = world;
  const report = await check({ url, ring: 2, payer, floodMs: 200, ...options });
  for (const result of report.results) if (isPass(result)) passed.add(result.id);
  return report;
}

test.each(PROFILES)("our paywall has nothing to mend in %s", async (profile) => {
  await using shop = await openShop({ facilitatorUrl: world.facilitatorUrl });
  const report = await run(`${shop.url}/shop/items/a`, {
    expect: { sibling: "/shop/items/b", marker: '"transaction"' },
    profiles: [profile],
  });
  expect(report.results.filter(bad).map(({ id, seen }) => [id, seen])).toEqual([]);
});

test("our paywall is seen to speak all three protocols", async () => {
  await using shop = await openShop({ facilitatorUrl: world.facilitatorUrl });
  const { profiles } = await check({ url: `${shop.url}/shop/items/a`, only: ["CHAL-01"] });
  expect(profiles).toEqual(PROFILES);
});

type Shape = (app: Express, paid: (change?: Partial<PaywallOptions>) => express.Handler) => void;
const sell: express.Handler = (request, response) => void response.json({ sold: request.url });
const LOGIN = "Basic YWRhOmxvdmVsYWNl";
const JSON_ORDER = {
  method: "POST",
  body: '{"count":1}',
  headers: [["Content-Type", "application/json"]],
} as const;
let count = 0;

const challengeText = ({ headers }: Answer): string =>
  Buffer.from(String(headers["PAYMENT-REQUIRED"]), "base64").toString();
/** The challenge with something more. */
const v2 =
  (more: (challenge: Record<string, any>) => object): Fault =>
  (answer) => {
    if (answer.status !== 402) return undefined;
    const challenge = JSON.parse(challengeText(answer)) as Record<string, any>;
    const header = encodeJson({ ...challenge, ...more(challenge) });
    return { ...answer, headers: { ...answer.headers, "PAYMENT-REQUIRED": header } };
  };

interface Row {
  readonly has: string;
  /** That then look at something. */
  readonly cases: readonly string[];
  readonly shape: Shape;
  readonly options?: Omit<CheckOptions, "url">;
  readonly path?: string;
}

const SHOPS: readonly Row[] = [
  {
    has: "orders with a body, priced by it",
    cases: ["MPP-14", "TAMP-20"],
    shape: (app, paid) => {
      const price: PaywallOptions["price"] = ({ body }) =>
        `0.0${(body as { count?: number } | undefined)?.count ?? 1}`;
      app.post("/paid", express.json(), paid({ price }), sell);
    },
    options: { ...JSON_ORDER, expect: { otherBody: '{"count":2}' } },
  },
  {
    has: "orders with a body that nobody judges before it is paid",
    cases: ["DISC-03"],
    shape: (app, paid) => app.post("/paid", express.text({ type: "*/*" }), paid(), sell),
    options: { ...JSON_ORDER, ring: 0 },
  },
  {
    has: "a cheap route and a dear one",
    cases: ["TAMP-18", "TAMP-19"],
    shape: (app, paid) => {
      app.get("/paid", paid(), sell);
      app.get("/dear", paid({ price: "0.02", name: "dear" }), sell);
    },
    options: { expect: { sibling: "/dear" } },
  },
  {
    has: "a price that moves",
    cases: ["PRICE-03"],
    shape: (app, paid) => app.get("/paid", paid({ price: () => `0.01${count++ % 10}` }), sell),
  },
  {
    has: "an answer to wrong methods",
    cases: ["HTTP-03"],
    shape: (app, paid) =>
      app
        .route("/paid")
        .get(paid(), sell)
        .all((_, response) => void response.set("Allow", "GET").status(405).end()),
  },
  {
    has: "a query",
    cases: ["PATH-13"],
    shape: (app, paid) => app.get("/paid", paid(), sell),
    options: { ring: 1 },
    path: "/paid?id=1",
  },
  {
    has: "a page of another origin that buys",
    cases: ["HTTP-05"],
    shape: (app, paid) => {
      app.use((_, response, next) => {
        response.set({
          "Access-Control-Allow-Origin": "https://app.example",
          "Access-Control-Expose-Headers":
            "PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE, WWW-Authenticate, Payment-Receipt",
          "Access-Control-Allow-Headers": "PAYMENT-SIGNATURE, X-PAYMENT, Authorization",
        });
        next();
      });
      app.options("/paid", (_, response) => void response.sendStatus(204));
      app.get("/paid", paid(), sell);
    },
  },
  {
    has: "an OpenAPI document with its price",
    cases: ["DISC-02"],
    shape: (app, paid) => {
      const info = { price: { mode: "fixed", amount: "0.01", currency: "USD" } };
      const operation = { "x-payment-info": info, responses: { 200: {}, 402: {} } };
      app.get("/openapi.json", (_, response) => {
        response.json({ openapi: "3.1.0", paths: { "/paid": { get: operation } } });
      });
      app.get("/paid", paid(), sell);
    },
    options: { ring: 0 },
  },
  {
    has: "a login before it",
    cases: ["MPP-17"],
    shape: (app, paid) => {
      app.use(({ headers }, response, next) => {
        if (headers.authorization === LOGIN) return next();
        response.set("WWW-Authenticate", 'Basic realm="shop"').status(401).end();
      });
      app.get("/paid", paid(), sell);
    },
    options: { ring: 0, headers: [["Authorization", LOGIN]] },
  },
  {
    has: "no facilitator that answers",
    cases: ["ERR-04"],
    shape: (app, paid) => app.get("/paid", paid({ facilitator: "http://127.0.0.1:9" }), sell),
    options: { ring: 1, only: ["SIG-01", "ERR-04"] },
  },
  {
    has: "many callers",
    cases: ["LOAD-01", "LOAD-02", "LOAD-03", "TIME-02"],
    shape: (app, paid) => app.get("/paid", paid(), sell),
    options: { ring: 1, load: true, profiles: ["x402-v2"] },
  },
];

interface Other {
  readonly id: string;
  readonly has: string;
  readonly right: Fault;
  readonly profile?: Profile;
  readonly options?: Omit<CheckOptions, "url">;
}

/** Right endpoints that have what our paywall does not. */
const OTHERS: readonly Other[] = [
  {
    id: "CHAL-21",
    has: "a name for people",
    right: v2(({ resource }) => ({
      resource: { ...resource, serviceName: "Weather", iconUrl: "https://shop.example/i.png" },
    })),
  },
  {
    id: "CHAL-26",
    has: "its challenge in the body too",
    right: (answer) =>
      answer.status === 402 ? { ...answer, body: challengeText(answer) } : undefined,
  },
  {
    id: "DISC-06",
    has: "an example for catalogs",
    right: v2(() => ({
      extensions: { bazaar: { info: { input: {} }, schema: {}, routeTemplate: "/paid" } },
    })),
  },
  {
    id: "PRICE-06",
    has: "offers on two networks",
    right: v2(({ accepts: [own] }) => {
      const { network, address: asset, eip712 } = BASE_USDC;
      return { accepts: [own, { ...own, network, asset, extra: { ...eip712 } }] };
    }),
  },
  {
    id: "HTTP-16",
    has: "a price that is told before the body has come",
    right: () => undefined,
    options: { ...JSON_ORDER, ring: 1 },
  },
  {
    id: "MPP-11",
    has: "the body's digest in its challenge",
    right: (answer) => {
      const digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
      const headers = { ...answer.headers, "WWW-Authenticate": mppHeader(undefined, { digest }) };
      return answer.status === 402 ? { ...answer, headers } : undefined;
    },
    profile: "mpp",
    options: { ...JSON_ORDER, ring: 1 },
  },
];

async function openReferenceShop(shape: Shape) {
  const db = openDatabase(":memory:");
  const app = express();
  app.disable("x-powered-by");
  const options = { price: "0.01", payTo: PAY_TO, db, facilitator: world.facilitatorUrl } as const;
  shape(app, (change) => paywall({ ...options, ...change }));
  const server = await listen(app);
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      db.close();
    },
  };
}

describe("our paywall in a shop that has", () => {
  test.each(SHOPS)("$has passes $cases", async ({ cases, shape, options = {}, path = "/paid" }) => {
    await using shop = await openReferenceShop(shape);
    const { results } = await run(`${shop.url}${path}`, { only: cases, ...options });
    const seen = results.map(({ id, verdict, seen }) => `${id} ${verdict}: ${seen}`);
    const whole = cases.filter((id) => results.some((one) => one.id === id && isPass(one)));
    expect(whole, seen.join("\n")).toEqual(cases);
  });

  test("a second instance on one database passes RPLY-05", async () => {
    const db = openDatabase(":memory:");
    await using one = await openShop({ facilitatorUrl: world.facilitatorUrl, db, payTo: PAY_TO });
    const facilitatorUrl = world.facilitatorUrl;
    const shared = { facilitatorUrl, db, payTo: PAY_TO, publicOrigin: one.url } as const;
    await using other = await openShop(shared);
    const alsoUrl = `${other.url}/shop/items/a`;
    const { results } = await run(`${one.url}/shop/items/a`, { alsoUrl, only: ["RPLY-05"] });
    expect(results.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
  });

  test("a catalog that lists it passes DISC-07", async () => {
    await using shop = await openReferenceShop((app, paid) => app.get("/paid", paid(), sell));
    const url = `${shop.url}/paid`;
    const { headers } = await fetch(url);
    const { accepts } = decodeJson(headers.get("payment-required") ?? "") as { accepts: object[] };
    const listed = [{ resource: url, type: "http", accepts }];
    const { results } = await run(url, { only: ["DISC-07"], expect: { listed } });
    expect(results.map(({ verdict }) => verdict)).toEqual(["pass"]);
  });
});

/** A name that nobody has, for a server of this machine, with a certificate of its own: only this process trusts it. */
const [key, cert] = ["key", "cert"].map((part) =>
  readFileSync(new URL(`tls/paid.test.${part}.pem`, import.meta.url), "utf8"),
) as [string, string];

async function trusting<T>(work: () => Promise<T>): Promise<T> {
  const trusted = tls.getCACertificates("default");
  // Node has it since 24.5, and its types do not yet.
  const { setDefaultCACertificates } = tls as unknown as {
    setDefaultCACertificates: (certificates: readonly string[]) => void;
  };
  setDefaultCACertificates([...trusted, cert]);
  try {
    return await work();
  } finally {
    setDefaultCACertificates(trusted);
  }
}

function* endless() {
  for (;;) yield "goods".repeat(1000);
}

test.each([
  ["pass", "asks the same over HTTP/2", "1.1 and 2.0"],
  ["fail", "has its gate on HTTP/1.1 alone", "1.1"],
  ["fail", "streams its goods without end over HTTP/2", "1.1"],
])("HTTP-14 is a %s where a server %s", async (verdict, what, gated) => {
  const server = createHttp2Server({ key, cert, allowHTTP1: true }, (request, response) => {
    request.resume();
    const isGated = gated.includes(request.httpVersion);
    response.statusCode = isGated ? 402 : 200;
    if (!isGated && what.includes("without end")) {
      const goods = Readable.from(endless());
      goods.pipe(response);
      response.on("close", () => goods.destroy());
      return;
    }
    response.end(isGated ? JSON.stringify(v1Challenge("https://paid.test/paid")) : "goods");
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
  try {
    const { results } = await trusting(() =>
      check({
        url: `https://paid.test:${port}/paid`,
        only: ["HTTP-14"],
        resolveHost: async () => ({ address: "127.0.0.1", family: 4, kind: "loopback" }),
      }),
    );
    expect(results.map(({ verdict, seen }) => [verdict, seen])).toEqual([
      [verdict, expect.stringMatching(verdict === "pass" ? /HTTP\/2/ : /HTTP\/2 .* 200/)],
    ]);
  } finally {
    server.close();
  }
});

test("over https alone our paywall passes DISC-09 and MPP-13", async () => {
  const app = express().disable("x-powered-by");
  const server = createSecureServer({ key, cert }, app);
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
  const origin = `https://paid.test:${port}`;
  const { facilitatorUrl: facilitator } = world;
  const db = openDatabase(":memory:");
  app.get(
    "/paid",
    paywall({ price: "0.01", payTo: PAY_TO, db, facilitator, publicOrigin: origin }),
    sell,
  );
  try {
    const { results } = await trusting(() =>
      run(`${origin}/paid`, {
        ring: 0,
        only: ["DISC-09", "MPP-13"],
        rate: 1000,
        resolveHost: async () => ({ address: "127.0.0.1", family: 4, kind: "public" }),
      }),
    );
    expect(results.map(({ id, verdict }) => `${id} ${verdict}`).toSorted()).toEqual([
      "DISC-09 pass",
      "MPP-13 pass",
    ]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

describe("a right endpoint of another kind", () => {
  test.each(OTHERS)("passes $id where it has $has", async ({ id, right, profile, options }) => {
    await using endpoint = await openEndpoint(profile ?? "x402-v2", right);
    const { results } = await check({ url: endpoint.url, only: [id], ...options });
    const [found] = results;
    expect(found?.verdict, found?.seen).toBe("pass");
  });
});

/** What our paywall does not have, each with where a right server is seen to pass it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(OTHERS.map(({ id }) => [id, "above"])),
  "IDEM-01": "ring2.test.ts: it advertises payment-identifier, and does not require it",
  "IDEM-04": "ring2.test.ts, where our paywall passes it in the time that it takes",
  "MPP-23": "ring2.test.ts, beside it",
};

test("every case of rings 0 to 2 that can fail has passed, but for those that look at what our paywall does not have", () => {
  const able = CASES.filter(({ ring, level }) => ring < 3 && level !== "info").map(({ id }) => id);
  expect(able.filter((id) => !passed.has(id)).toSorted()).toEqual(
    Object.keys(ELSEWHERE).toSorted(),
  );
});
