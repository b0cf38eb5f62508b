/** The contract of a provider, over every provider there is, and over ones that break it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  checkProvider,
  newTesterIdentity,
  openProviderTester,
  PROVIDER_CASES,
  type ProviderReport,
  type ProviderTester,
} from "../../conformance/index.ts";
import { openGreenhouseShop } from "../provider/greenhouse.ts";
import { openShop } from "../provider/shop.ts";

let tester: ProviderTester;
beforeAll(async () => {
  tester = await openProviderTester(await newTesterIdentity());
});
afterAll(() => tester[Symbol.asyncDispose]());

const failures = ({ results }: ProviderReport) =>
  results.filter(({ verdict }) => verdict === "fail").map(({ id, seen }) => `${id}: ${seen}`);
const untried = ({ results }: ProviderReport) =>
  results.filter(({ verdict }) => verdict === "not-tried").map(({ id }) => id);

test("every case has an id of its own", () => {
  const ids = PROVIDER_CASES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test("the local Cloudflare keeps the contract, as far as it has what a case needs", async () => {
  await using shop = await openShop();
  shop.server.trust(tester.trust);
  const report = await checkProvider({ url: shop.url, tester });
  expect(failures(report)).toEqual([]);
  expect(report.outcome).toBe("passed");
  expect(untried(report)).toEqual([
    "QUOT-01",
    "QUOT-02",
    "QUOT-03",
    "QUOT-04",
    "QUOT-05",
    "CHNG-01",
    "RENW-01",
  ]);
});

test("a provider that sells what is added keeps all of it", async () => {
  await using shop = await openGreenhouseShop({ facilitatorUrl: "http://127.0.0.1:9" });
  shop.server.trust(tester.trust);
  const report = await checkProvider({ url: shop.server.url, tester });
  expect(failures(report)).toEqual([]);
  expect(untried(report)).toEqual([]);
});

test("a provider that does not trust the tester is tried as far as a stranger can", async () => {
  await using shop = await openGreenhouseShop({ facilitatorUrl: "http://127.0.0.1:9" });
  const report = await checkProvider({ url: shop.server.url, tester });
  expect(report).toMatchObject({ outcome: "incomplete", trusted: false });
  expect(report.results.find(({ id }) => id === "SIGN-01")?.verdict).toBe("pass");
});

/** What stands between the tester and a good provider, and breaks one thing. */
type Break = (request: { path: string; headers: Headers; body: string }, answer: Answer) => Answer;
interface Answer {
  status: number;
  body: string;
}

const MUTANTS: [string, string, Break][] = [
  [
    "gives whoever asks an account by its e-mail",
    "ACCT-13",
    (_, answer) =>
      answer.body.includes('"requires_auth"')
        ? { status: 200, body: '{"type":"oauth","oauth":{"code":"x"}}' }
        : answer,
  ],
  [
    "says that a removed resource is complete",
    "RSRC-07",
    (_, answer) => ({
      ...answer,
      body: answer.body.replace('"status":"removed"', '"status":"complete"'),
    }),
  ],
  [
    "quotes one price and hashes another",
    "QUOT-01",
    (_, answer) => ({
      ...answer,
      body: answer.body.replace('"amount":"20.00"', '"amount":"21.00"'),
    }),
  ],
  [
    "takes what is not signed",
    "SIGN-01",
    ({ headers, body }, answer) =>
      headers.has("stripe-signature-v2") || body === "" ? answer : { status: 200, body: "{}" },
  ],
  [
    "asks no terms",
    "ACCT-01",
    (_, answer) =>
      answer.body.includes("tos_acceptance_required") ? { status: 200, body: "{}" } : answer,
  ],
  [
    "upgrades before it is paid",
    "CHNG-01",
    ({ path }, answer) =>
      path.endsWith("/update_service") ? { status: 200, body: '{"status":"complete"}' } : answer,
  ],
  [
    "renews for whoever asks, whatever the quote",
    "RENW-01",
    ({ path }, answer) =>
      path.endsWith("/renew") ? { status: 200, body: '{"status":"complete"}' } : answer,
  ],
  [
    "charges by use for nothing used",
    "RENW-01",
    ({ body }, answer) =>
      body.includes('"renewal"')
        ? { ...answer, body: answer.body.replace('"amount":"0.00"', '"amount":"1.00"') }
        : answer,
  ],
  [
    "puts its errors into another envelope",
    "RSRC-05",
    (_, answer) => ({ ...answer, body: answer.body.replace('"status":"error",', "") }),
  ],
];

test("a provider that breaks the contract fails the case that is about it", async () => {
  const proxy = { url: "", target: "", breaks: MUTANTS[0]![2] };
  await using _ = await openProxy(proxy);
  const facilitatorUrl = "http://127.0.0.1:9";
  await using shop = await openGreenhouseShop({ facilitatorUrl, publicUrl: proxy.url });
  proxy.target = `http://127.0.0.1:${shop.server.port}`;
  shop.server.trust(tester.trust);
  for (const [what, id, breaks] of MUTANTS) {
    proxy.breaks = breaks;
    const { results } = await checkProvider({ url: proxy.url, tester, only: [id] });
    expect([what, results[0]?.verdict]).toEqual([what, "fail"]);
  }
});

test("a case that there is not, and a provider that there is not, are said so", async () => {
  await using shop = await openGreenhouseShop({ facilitatorUrl: "http://127.0.0.1:9" });
  const { url } = shop.server;
  const code = (name: string) => expect.objectContaining({ code: name });
  const only = ["SIGN-99"];
  await expect(checkProvider({ url, tester, only })).rejects.toEqual(code("CHECK_PLAN_INVALID"));
  const nobody = { url: "http://127.0.0.1:9", tester };
  await expect(checkProvider(nobody)).rejects.toEqual(code("CHECK_TARGET_UNREACHABLE"));
  const other = { url: tester.trust.keysUrl, tester };
  await expect(checkProvider(other)).rejects.toEqual(code("CHECK_TARGET_INVALID"));
});

async function openProxy(proxy: { url: string; target: string; breaks: Break }) {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = (await request.toArray()).map(String).join("");
    const headers = new Headers(
      Object.entries(request.headers).map(([k, v]): [string, string] => [k, String(v)]),
    );
    for (const name of ["host", "connection", "content-length", "transfer-encoding"])
      headers.delete(name);
    const { method = "GET", url: path = "/" } = request;
    const init = { method, headers, redirect: "manual" as const, ...(body === "" ? {} : { body }) };
    const real = await fetch(proxy.target + path, init);
    const broken = proxy.breaks(
      { path, headers, body },
      { status: real.status, body: await real.text() },
    );
    response.statusCode = broken.status;
    for (const name of ["content-type", "www-authenticate", "payment-required"]) {
      const value = real.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    response.end(broken.body);
  };
  const server = createServer((request, response) => void answer(request, response));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
