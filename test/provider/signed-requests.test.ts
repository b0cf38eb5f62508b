import { randomUUID } from "node:crypto";
import { generateKeyPair } from "jose";
import { expect, test } from "vitest";
import {
  accountRequest,
  type Attestor,
  pkce,
  read,
  sendSigned,
  startAttestor,
} from "./attestor.ts";
import { openShop, type Shop } from "./shop.ts";

const PATH = "/provisioning/account_requests";

/** Sends an account request whose headers were made by `sign`, and answers with status and error code. */
async function attempt(
  shop: Shop,
  sign: (request: { method: string; url: string; body: string }) => Promise<Record<string, string>>,
) {
  const { challenge } = pkce();
  const body = JSON.stringify(
    await accountRequest(shop.attestor, { audience: shop.url, challenge }),
  );
  const url = shop.url + PATH;
  const headers = await sign({ method: "POST", url, body });
  const answer = await read(await fetch(url, { method: "POST", headers, body }));
  return { status: answer.status, code: answer.body.error?.code, type: answer.body.type };
}

test("a request that is signed as it was sent is let in", async () => {
  await using shop = await openShop();
  const answer = await attempt(shop, (request) => shop.attestor.headers(request));
  expect(answer).toMatchObject({ status: 200, type: "oauth" });
});

const REFUSED: [
  string,
  (request: Request_, attestor: Attestor) => Promise<Record<string, string>>,
][] = [
  ["unsigned", async () => ({ "api-version": "0.1d", "content-type": "application/json" })],
  [
    "signed with a word that is no token",
    async () => ({ "api-version": "0.1d", "stripe-signature-v2": "signed, sincerely" }),
  ],
  ["for another method", (request, attestor) => attestor.headers({ ...request, method: "PUT" })],
  [
    "for another path",
    (request, attestor) => attestor.headers({ ...request, url: `${request.url}/x` }),
  ],
  [
    "for another host",
    (request, attestor) =>
      attestor.headers({ ...request, url: request.url.replace("127.0.0.1", "localhost") }),
  ],
  [
    "for another body",
    (request, attestor) => attestor.headers({ ...request, body: `${request.body} ` }),
  ],
  [
    "signed two minutes ago",
    (request, attestor) => attestor.headers(request, { now: Date.now() - 120_000 }),
  ],
  [
    "signed for tomorrow",
    (request, attestor) => attestor.headers(request, { now: Date.now() + 86_400_000 }),
  ],
  [
    "of an issuer nobody trusts",
    (request, attestor) => attestor.headers(request, { issuer: "https://eve.test" }),
  ],
  [
    "signed with another key under the same name",
    async (request, attestor) => {
      const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
      return attestor.headers(request, { key: { kid: attestor.key.kid, privateKey } });
    },
  ],
];
type Request_ = { method: string; url: string; body: string };

test.each(REFUSED)("a request that is %s is refused", async (_, sign) => {
  await using shop = await openShop();
  const answer = await attempt(shop, (request) => sign(request, shop.attestor));
  expect(answer).toMatchObject({ status: 401, code: "invalid_signature" });
});

test("another trusted orchestrator cannot sign in this one's name", async () => {
  await using other = await startAttestor({ issuer: "https://other.test", clientId: "other" });
  await using shop = await openShop();
  shop.server.trust(other.trust);
  const { issuer } = shop.attestor;
  const answer = await attempt(shop, (request) => other.headers(request, { issuer }));
  expect(answer).toMatchObject({ status: 401, code: "invalid_signature" });
});

test("the same signed request is taken once, also after a restart", async () => {
  await using shop = await openShop();
  const id = randomUUID();
  const sign = (request: Request_) => shop.attestor.headers(request, { id });
  expect(await attempt(shop, sign)).toMatchObject({ status: 200 });
  expect(await attempt(shop, sign)).toMatchObject({ status: 401, code: "invalid_signature" });
  await shop.reopen();
  expect(await attempt(shop, sign)).toMatchObject({ status: 401, code: "invalid_signature" });
});

test("of many copies at once, one is taken", async () => {
  await using shop = await openShop();
  const id = randomUUID();
  const copies = Array.from({ length: 10 }, () =>
    attempt(shop, (request) => shop.attestor.headers(request, { id })),
  );
  const statuses = (await Promise.all(copies)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 401)).toHaveLength(9);
});

test("another version of the protocol is refused by name", async () => {
  await using shop = await openShop();
  const answer = await attempt(shop, async (request) => ({
    ...(await shop.attestor.headers(request)),
    "api-version": "0.2",
  }));
  expect(answer).toMatchObject({ status: 400, code: "invalid_api_version" });
});

test("keys are read once, and again when an unknown one signs", async () => {
  await using shop = await openShop();
  const resource = `${shop.url}/provisioning/resources/none`;
  await sendSigned(shop.attestor, resource, { method: "GET" });
  await sendSigned(shop.attestor, resource, { method: "GET" });
  expect(shop.attestor.keyReads()).toBe(1);
});

test("a body that is too large is refused, and the server lives", async () => {
  await using shop = await openShop();
  const body = { padding: "x".repeat(1_200_000) };
  const answer = await sendSigned(shop.attestor, shop.url + PATH, { body });
  expect(answer).toMatchObject({ status: 400, body: { error: { code: "invalid_request" } } });
  expect((await fetch(`${shop.url}/provisioning/health`)).status).toBe(200);
});
