import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { connect, sendSigned, startAttestor } from "./attestor.ts";
import { openShop, type Shop } from "./shop.ts";
import type { Session } from "./attestor.ts";

function add(
  shop: Shop,
  session: Session,
  body: object,
  key: string | undefined = randomUUID(),
  attestor = shop.attestor,
) {
  const headers = { ...session.headers, ...(key === "" ? {} : { "idempotency-key": key }) };
  return sendSigned(attestor, `${shop.url}/provisioning/resources`, { body, headers });
}

const of = (shop: Shop, session: Session, id: string, rest = "", method = "GET") =>
  sendSigned(shop.attestor, `${shop.url}/provisioning/resources/${id}${rest}`, {
    method,
    headers: session.headers,
  });

test("hosting hands back what wrangler needs, and no token", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const { body } = await add(shop, session, { service_id: "workers:free" });
  expect(body).toMatchObject({ status: "complete", service_id: "workers:free" });
  expect(body.complete.access_configuration).toMatchObject({
    CLOUDFLARE_ACCOUNT_ID: session.accountId,
    CLOUDFLARE_API_BASE_URL: `${shop.url}/client/v4`,
    CLOUDFLARE_WORKERS_DEV_SUBDOMAIN: expect.stringMatching(/^u[0-9a-f]{10}$/),
  });
  expect(JSON.stringify(body)).not.toContain(session.token);
});

test("the account's facts can be had as a resource", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const { body } = await add(shop, session, { service_id: "account" });
  expect(body.complete.access_configuration.CLOUDFLARE_EMAIL).toBe("ada@example.com");
});

test("the same key gets the same answer, also after a restart, and makes nothing twice", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const order = { service_id: "kv", configuration: { title: "notes" } };
  const first = await add(shop, session, order, "key-1");
  await shop.reopen();
  const again = await add(shop, session, order, "key-1");
  expect(again).toEqual(first);
  expect(first.body.complete.access_configuration.KV_NAMESPACE_ID).toMatch(/^[0-9a-f]{32}$/);
});

test("copies that arrive at once are one", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => add(shop, session, { service_id: "kv" }, "key-1")),
  );
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
});

test("the same key for something else is refused", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  await add(shop, session, { service_id: "kv" }, "key-1");
  expect(await add(shop, session, { service_id: "account" }, "key-1")).toMatchObject({
    status: 422,
    body: { status: "error", error: { code: "idempotency_conflict" } },
  });
});

test("another account's same key is another request", async () => {
  await using shop = await openShop();
  const ada = await connect(shop.attestor, shop.url);
  const bob = await connect(shop.attestor, shop.url, {
    subject: "user-2",
    email: "bob@example.com",
  });
  const first = await add(shop, ada, { service_id: "kv" }, "key-1");
  const second = await add(shop, bob, { service_id: "kv" }, "key-1");
  expect(second.body.id).not.toBe(first.body.id);
});

const REFUSED: [string, object, string, number, string][] = [
  ["without a key", { service_id: "kv" }, "", 400, "idempotency_key_missing"],
  ["of a service nobody knows", { service_id: "r2" }, "k", 404, "unknown_service"],
  [
    "of what is bought at the API",
    { service_id: "registrar:domain" },
    "k",
    400,
    "not_for_resources",
  ],
  ["without a service", {}, "k", 400, "invalid_request"],
  [
    "with a configuration that the catalog does not allow",
    { service_id: "kv", configuration: { colour: "red" } },
    "k",
    400,
    "invalid_configuration",
  ],
  [
    "with a mandate nobody signed",
    { service_id: "kv", mandate: "a.b.c" },
    "k",
    403,
    "mandate_invalid",
  ],
];

test.each(REFUSED)("a request %s is refused", async (_, body, key, status, code) => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  expect(await add(shop, session, body, key)).toMatchObject({
    status,
    body: { status: "error", error: { code } },
  });
});

test("a token alone is not enough, and neither is a signature", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const url = `${shop.url}/provisioning/resources`;
  const body = JSON.stringify({ service_id: "kv" });
  const unsigned = await fetch(url, {
    method: "POST",
    headers: { ...session.headers, "api-version": "0.1d", "idempotency-key": "k" },
    body,
  });
  expect(unsigned.status).toBe(401);
  const anonymous = { ...session, headers: { authorization: "" } };
  expect((await add(shop, anonymous, { service_id: "kv" })).status).toBe(401);
});

test("an orchestrator cannot use a token that was granted to another", async () => {
  await using other = await startAttestor({ issuer: "https://other.test", clientId: "other" });
  await using shop = await openShop();
  shop.server.trust(other.trust);
  const session = await connect(shop.attestor, shop.url);
  expect(await add(shop, session, { service_id: "kv" }, "k", other)).toMatchObject({
    status: 403,
    body: { error: { code: "forbidden" } },
  });
});

test("a mandate of another project is refused", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const mandate = await shop.attestor.mandate({ sub: "project-2", version: 9 });
  expect(await add(shop, session, { service_id: "kv", mandate })).toMatchObject({
    status: 403,
    body: { error: { code: "mandate_invalid" } },
  });
});

test("a title is the account's own, once", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const order = { service_id: "kv", configuration: { title: "notes" } };
  expect((await add(shop, session, order)).status).toBe(200);
  expect(await add(shop, session, order)).toMatchObject({
    status: 400,
    body: { error: { code: "invalid_configuration" } },
  });
});

test("a resource can be looked at and removed, by its own account only", async () => {
  await using shop = await openShop();
  const ada = await connect(shop.attestor, shop.url);
  const bob = await connect(shop.attestor, shop.url, {
    subject: "user-2",
    email: "bob@example.com",
  });
  const { body } = await add(shop, ada, { service_id: "kv" });
  expect((await of(shop, ada, body.id)).body).toEqual(body);
  expect((await of(shop, bob, body.id)).status).toBe(404);
  expect((await of(shop, bob, body.id, "/remove", "POST")).status).toBe(404);
  expect((await of(shop, ada, body.id, "/remove", "POST")).body).toEqual({
    status: "removed",
    id: body.id,
  });
  expect((await of(shop, ada, body.id)).body.status).toBe("removed");
});

test("a service without credentials of its own says so when they are to be rotated", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const { body } = await add(shop, session, { service_id: "kv" });
  expect(await of(shop, session, body.id, "/rotate_credentials", "POST")).toMatchObject({
    status: 400,
    body: { status: "error", error: { code: "not_supported" } },
  });
});
