import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Session } from "./attestor.ts";
import { answering, openShop, type Shop, upload, v4 } from "./shop.ts";
import { visit } from "./visit.ts";

/** Most tests share one provider, each with accounts of its own. */
let shop: Shop;
let users = 0;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

function newSession(): Promise<Session> {
  users += 1;
  const subject = `user-${users}`;
  return connect(shop.attestor, shop.url, { subject, email: `${subject}@example.com` });
}

/** Uploads a Worker and publishes it; answers with its hostname and URL. */
async function publish(
  shop: Shop,
  session: Session,
  name: string,
  form: FormData,
): Promise<{ hostname: string; url: string }> {
  const put = await v4(shop, session, "PUT", `/workers/scripts/${name}`, form);
  expect(put.body).toMatchObject({ success: true, result: { id: name } });
  const body = { enabled: true };
  return (await v4(shop, session, "POST", `/workers/scripts/${name}/subdomain`, body)).body.result;
}

const COUNTER = `export default { async fetch(request, { KV }) {
  const count = Number((await KV.get("count")) ?? 0) + 1;
  await KV.put("count", String(count));
  return new Response(String(count));
} };`;

test("a Worker answers by its URL, by Host header and as a name below localhost; others get a 404", async () => {
  const session = await newSession();
  const { hostname, url } = await publish(shop, session, "site", upload(answering("hello")));
  const port = shop.server.opened.workersPort;
  expect(await (await fetch(url)).text()).toBe("hello");
  expect(await visit(port, { host: hostname })).toEqual({ status: 200, text: "hello" });
  expect(await visit(port, { host: `${hostname}.localhost:${port}` })).toMatchObject({
    text: "hello",
  });
  for (const host of ["other.workers.dev", "localhost", `x.${hostname}`, "127.0.0.1"]) {
    expect(await visit(port, { host })).toMatchObject({ status: 404 });
  }
});

test("a visitor's headers do not choose the Worker, and its own are what the visitor sent", async () => {
  const session = await newSession();
  const echo = `export default { fetch: (request) => Response.json(Object.fromEntries(request.headers)) };`;
  await publish(shop, session, "secret", upload(answering("secret")));
  const { url } = await publish(shop, session, "echo", upload(echo));
  const headers = {
    "Purser-Worker": "dispatcher",
    "MF-Route-Override": "dispatcher",
    "MF-Original-URL": "http://x/",
    "X-Mine": "1",
  };
  const seen = await (await fetch(url, { headers })).json();
  expect(seen).toMatchObject({ "x-mine": "1", host: new URL(url).host });
  expect(Object.keys(seen as object).filter((name) => name.startsWith("mf-"))).toEqual([]);
});

test("a redeploy changes what is served without a request that fails, and keeps the address", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const { url } = await publish(shop, session, "site", upload(answering("one")));
  const seen = new Set<string>();
  const redeploy = { done: false };
  const visitor = (async () => {
    while (!redeploy.done) {
      const response = await fetch(url);
      seen.add(`${response.status} ${await response.text()}`);
    }
  })();
  const again = await publish(shop, session, "site", upload(answering("two")));
  redeploy.done = true;
  await visitor;
  expect(again.url).toBe(url);
  expect(await (await fetch(url)).text()).toBe("two");
  expect([...seen].filter((answer) => answer !== "200 one" && answer !== "200 two")).toEqual([]);
});

test("a Worker that cannot start is refused with its error, and every site stays as it was", async () => {
  const session = await newSession();
  const { url } = await publish(shop, session, "site", upload(answering("live")));
  for (const source of [
    "export default {",
    "throw new Error('at start')",
    "export default 1; import 'none.js'",
  ]) {
    const answer = await v4(shop, session, "PUT", "/workers/scripts/site", upload(source));
    expect(answer).toMatchObject({
      status: 400,
      body: { success: false, errors: [{ code: 10021 }] },
    });
    expect(answer.body.errors[0].message).toMatch(/Error|No such module/);
    expect(answer.body.errors[0].message).not.toContain(process.cwd());
  }
  expect(await (await fetch(url)).text()).toBe("live");
});

test("a Worker sees the visitor's URL, method and body, and its redirects are the visitor's", async () => {
  const session = await newSession();
  const source = `export default { async fetch(request) {
    if (new URL(request.url).pathname === "/old") return Response.redirect(new URL("/new", request.url), 301);
    return new Response([request.method, request.url, await request.text()].join(" "));
  } };`;
  const { url } = await publish(shop, session, "site", upload(source));
  const posted = await fetch(`${url}a?b=c`, { method: "POST", body: "text" });
  expect(await posted.text()).toBe(`POST ${url}a?b=c text`);
  const moved = await fetch(`${url}old`, { redirect: "manual" });
  expect([moved.status, moved.headers.get("location")]).toEqual([301, `${url}new`]);
});

test("a Worker that throws answers 500 without its stack, and other sites stay", async () => {
  const session = await newSession();
  const throws = `export default { fetch() { throw new Error("boom in /etc/secret"); } };`;
  const broken = await publish(shop, session, "broken", upload(throws));
  const live = await publish(shop, session, "live", upload(answering("live")));
  const response = await fetch(broken.url);
  expect([response.status, await response.text()]).toEqual([500, expect.stringContaining("1101")]);
  expect(await (await fetch(live.url)).text()).toBe("live");
});

const REFUSED: [string, () => FormData | object, number][] = [
  ["that is no form", () => ({ source: "x" }), 10021],
  ["without metadata", () => new FormData(), 10021],
  ["whose main module is missing", () => upload("x", [], { main_module: "other.js" }), 10021],
  [
    "in the old format",
    () => upload("x", [], { main_module: undefined, body_part: "script" }),
    10021,
  ],
  ["with a module outside of it", () => withModule("../evil.js"), 10021],
  ["with an unknown binding", () => upload("x", [{ type: "r2_bucket", name: "B" }]), 10021],
  [
    "with a KV namespace that is not the account's",
    () => upload("x", [{ type: "kv_namespace", name: "KV", namespace_id: "0".repeat(32) }]),
    10013,
  ],
];

function withModule(name: string): FormData {
  const form = upload(answering("x"));
  form.append(name, new File(["x"], name, { type: "application/javascript+module" }));
  return form;
}

test.each(REFUSED)("an upload %s is refused", async (_, body, code) => {
  const session = await newSession();
  const answer = await v4(shop, session, "PUT", "/workers/scripts/site", body());
  expect(answer.body).toMatchObject({ success: false, errors: [{ code }] });
});

test("a Worker that never answers is given up, and disturbs no other site meanwhile", async () => {
  await using shop = await openShop({ answerTimeoutMs: 700 });
  const session = await connect(shop.attestor, shop.url);
  const live = await publish(shop, session, "live", upload(answering("live")));
  const spins = `export default { fetch({ url }) { while (url.endsWith("/spin")); return new Response("fine"); } };`;
  const spinning = await publish(shop, session, "spinning", upload(spins));
  const spin = fetch(`${spinning.url}spin`);
  expect(await (await fetch(live.url)).text()).toBe("live");
  const response = await spin;
  expect([response.status, await response.text()]).toEqual([504, expect.stringContaining("1102")]);
  expect(await (await fetch(spinning.url)).text()).toBe("fine");
});

test("a Worker's modules, texts, variables and secrets reach it", async () => {
  const session = await newSession();
  const source = `import { part } from "./lib/part.js"; import page from "./page.html";
    export default { fetch: (_, env) => new Response([part, page, env.WORD, env.SECRET, env.FACTS.n].join(" ")) };`;
  const form = upload(source, [
    { type: "plain_text", name: "WORD", text: "word" },
    { type: "secret_text", name: "SECRET", text: "hidden" },
    { type: "json", name: "FACTS", json: { n: 7 } },
  ]);
  const part = `export const part = "part";`;
  form.append(
    "lib/part.js",
    new File([part], "lib/part.js", { type: "application/javascript+module" }),
  );
  form.append("page.html", new File(["<b>"], "page.html", { type: "text/plain" }));
  const { url } = await publish(shop, session, "site", form);
  expect(await (await fetch(url)).text()).toBe("part <b> word hidden 7");
  const { body } = await v4(shop, session, "GET", "/workers/scripts/site/settings");
  expect(JSON.stringify(body)).not.toContain("hidden");
});

test("a key-value store answers reads after writes, and after a restart the site is where it was with its data", async () => {
  await using shop = await openShop();
  const session = await connect(shop.attestor, shop.url);
  const kv = await v4(shop, session, "POST", "/storage/kv/namespaces", { title: "counts" });
  const namespace = kv.body.result.id as string;
  const form = () =>
    upload(COUNTER, [{ type: "kv_namespace", name: "KV", namespace_id: namespace }]);
  const { url } = await publish(shop, session, "count", form());
  expect(await (await fetch(url)).text()).toBe("1");
  expect(await (await fetch(url)).text()).toBe("2");
  await v4(shop, session, "PUT", "/workers/scripts/count", form());
  expect(await (await fetch(url)).text()).toBe("3");
  const port = shop.server.opened.workersPort;
  await shop.reopen();
  expect(shop.server.opened.workersPort).toBe(port);
  expect(await visit(Number(new URL(url).port))).toEqual({ status: 200, text: "4" });
  const value = `/storage/kv/namespaces/${namespace}/values/count`;
  expect((await v4(shop, session, "GET", value)).body).toBe(4);
});

test("values are read, written, listed and deleted over the API, by the own account only", async () => {
  const ada = await newSession();
  const bob = await newSession();
  const { body } = await v4(shop, ada, "POST", "/storage/kv/namespaces", { title: "notes" });
  const base = `/storage/kv/namespaces/${body.result.id as string}`;
  await v4(shop, ada, "PUT", `${base}/values/a%2Fb`, { any: "thing" });
  expect((await v4(shop, ada, "GET", `${base}/values/a%2Fb`)).body).toEqual({ any: "thing" });
  expect((await v4(shop, ada, "GET", `${base}/keys`)).body.result).toEqual([{ name: "a/b" }]);
  expect((await v4(shop, bob, "GET", `${base}/values/a%2Fb`)).body.errors[0].code).toBe(10013);
  await v4(shop, ada, "DELETE", `${base}/values/a%2Fb`);
  expect((await v4(shop, ada, "GET", `${base}/values/a%2Fb`)).body.errors[0].code).toBe(10009);
});

test("accounts name their Workers alike and do not meet", async () => {
  const ada = await newSession();
  const bob = await newSession();
  const first = await publish(shop, ada, "site", upload(answering("ada's")));
  const second = await publish(shop, bob, "site", upload(answering("bob's")));
  expect(await (await fetch(first.url)).text()).toBe("ada's");
  expect(await (await fetch(second.url)).text()).toBe("bob's");
});

test.each(["GET", "PUT", "POST", "DELETE"])(
  "the token of one account cannot %s in another",
  async (method) => {
    const ada = await newSession();
    const bob = await newSession();
    const crossed = { ...bob, accountId: ada.accountId };
    for (const path of [
      "/workers/scripts/site",
      "/registrar/registrations",
      "/storage/kv/namespaces",
    ]) {
      expect(await v4(shop, crossed, method, path)).toMatchObject({
        status: 403,
        body: { success: false, errors: [{ code: 10000 }] },
      });
    }
  },
);

test("a Worker reaches nothing on this machine", async () => {
  const inside = createServer((_, response) => response.end("inside")).listen(0, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<void>();
  inside.once("listening", resolve);
  await promise;
  const { port } = inside.address() as AddressInfo;
  const session = await newSession();
  const source = `export default { async fetch() {
    try { return new Response(await (await fetch("http://127.0.0.1:${port}/")).text()); }
    catch { return new Response("refused"); }
  } };`;
  const { url } = await publish(shop, session, "curious", upload(source));
  expect(await (await fetch(url)).text()).toBe("refused");
  inside.close();
});

test("a hostname that the account has not registered is not served", async () => {
  const session = await newSession();
  await publish(shop, session, "site", upload(answering("hello")));
  for (const hostname of ["nimbus.dev", "dev", "www.google.com", "no spaces", "a.u0.workers.dev"]) {
    const body = { hostname, service: "site", environment: "production" };
    const answer = await v4(shop, session, "PUT", "/workers/domains", body);
    expect(answer.body.success).toBe(false);
  }
  const own = shop.server.opened
    .listSites()
    .filter(({ accountId }) => accountId === session.accountId);
  expect(own).toHaveLength(1);
});

test("a Worker that was taken back or deleted is not served any more", async () => {
  const session = await newSession();
  const { hostname } = await publish(shop, session, "site", upload(answering("hello")));
  const port = shop.server.opened.workersPort;
  await v4(shop, session, "POST", "/workers/scripts/site/subdomain", { enabled: false });
  expect((await visit(port, { host: hostname })).status).toBe(404);
  await publish(shop, session, "site", upload(answering("hello")));
  await v4(shop, session, "DELETE", "/workers/scripts/site");
  expect((await visit(port, { host: hostname })).status).toBe(404);
  expect((await v4(shop, session, "GET", "/workers/services/site")).body.errors[0].code).toBe(
    10090,
  );
});

test("the free plan's requests of a day end, and begin anew at midnight UTC", async () => {
  let now = Date.now();
  await using shop = await openShop({ requestsPerDay: 2, now: () => now });
  const session = await connect(shop.attestor, shop.url);
  const { url } = await publish(shop, session, "site", upload(answering("hello")));
  const statuses = [];
  for (let count = 0; count < 3; count += 1) statuses.push((await fetch(url)).status);
  expect(statuses).toEqual([200, 200, 429]);
  now += 86_400_000;
  expect((await fetch(url)).status).toBe(200);
});

test("what is not built answers in the v4 envelope", async () => {
  const session = await newSession();
  expect(await v4(shop, session, "POST", "/r2/buckets", { name: "b" })).toMatchObject({
    status: 404,
    body: { success: false, errors: [{ code: 7003 }], result: null },
  });
});
