/** The example of a platform that becomes an orchestrator: its signed-in users, their pages and programs, and those who are not. */
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPlatform } from "../../examples/agent-platform.ts";
import { BASE_SEPOLIA_USDC, Secret } from "../../protocol/index.ts";
import { pollDeviceLogin, startDeviceLogin } from "../../protocol/device-login.ts";
import { type ProviderServer, startProvider } from "../../provider/index.ts";
import { type Browser, openBrowser, type Page } from "../provider/browser.ts";
import { GREENHOUSE, type Greenhouse } from "../provider/greenhouse.ts";
import { PAY_TO } from "../provider/shop.ts";

const stack = new AsyncDisposableStack();
let url: string;
let provider: ProviderServer<Greenhouse>;
const login = () => ({ url, fetch, signal: AbortSignal.timeout(30_000) });

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), "purser-platform-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const platform = await openPlatform({ dir, providers: [] });
  stack.defer(() => platform.close());
  const server = platform.app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  stack.defer(() => void server.close());
  stack.defer(() => server.closeAllConnections());
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { issuer, clientId } = platform.orchestrator;
  provider = stack.use(
    await startProvider(GREENHOUSE, {
      dir: join(dir, "greenhouse"),
      facilitatorUrl: "http://127.0.0.1:9",
      payTo: PAY_TO,
      asset: BASE_SEPOLIA_USDC,
      trust: [{ issuer, clientId, keysUrl: `${url}/.well-known/jwks.json` }],
    }),
  );
  platform.orchestrator.addProvider(provider.url);
});
afterAll(() => stack.disposeAsync());

/** A user's browser, signed in at the platform, and the cookie it got. */
async function signIn(name: string): Promise<{ browser: Browser; cookie: string }> {
  const browser = openBrowser();
  const page: Page = {
    url,
    status: 200,
    headers: new Headers(),
    text: `<form action="/sign-in/${name}"></form>`,
  };
  const { headers } = await browser.submit(page, {});
  return { browser, cookie: headers.getSetCookie()[0]!.split(";")[0]! };
}

const call = async (path: string, headers: Record<string, string>, body?: object) => {
  const response = await fetch(url + path, {
    method: body ? "POST" : "GET",
    headers: { "content-type": "application/json", ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

/** A program's session of its own, that the user has let in. */
async function deviceSession(browser: Browser): Promise<Secret> {
  const device = await startDeviceLogin("cli", login());
  expect(await pollDeviceLogin(device, "cli", login())).toEqual({ state: "pending" });
  const page = await browser.open(device.verification_uri_complete!);
  expect(page.text).toContain(device.user_code);
  expect((await browser.submit(page, { answer: "approve" })).text).toContain("It is in");
  const signedIn = await pollDeviceLogin(device, "cli", login());
  if (signedIn.state !== "signed_in") throw new Error(signedIn.state);
  expect(await pollDeviceLogin(device, "cli", login())).toEqual({ state: "expired" });
  return signedIn.token;
}

test("a signed-in user's page adds a service, and gets an account of the user's own", async () => {
  for (const name of ["ada", "bob"]) {
    const { cookie } = await signIn(name);
    const project = await call("/v1/projects", { cookie }, { name: "garden" });
    const order = {
      service: "greenhouse/pot:small",
      idempotency_key: "one",
      accept_terms: GREENHOUSE.termsVersion,
    };
    const path = `/v1/projects/${String(project.body["id"])}/resources`;
    expect((await call(path, { cookie }, order)).body).toMatchObject({ status: "complete" });
    expect((await call("/v1/projects", { cookie })).body["projects"]).toHaveLength(1);
  }
  expect(provider.opened.done).toHaveLength(2);
});

test("a form of another site, which carries the user's cookie, changes nothing", async () => {
  const { cookie } = await signIn("carol");
  const forged = { cookie, "content-type": "text/plain" };
  const answer = await call("/v1/projects", forged, { name: "forged" });
  expect(answer).toMatchObject({ status: 403, body: { error: { code: "CROSS_SITE" } } });
  expect((await call("/v1/projects", { cookie })).body["projects"]).toEqual([]);
});

test("nobody who is not signed in gets in", async () => {
  const answer = await call("/v1/projects", {});
  expect(answer).toMatchObject({ status: 401, body: { error: { code: "SESSION_REQUIRED" } } });
});

test("a program gets a session when the user lets it in, by a code, and once", async () => {
  const { browser } = await signIn("dora");
  const token = await deviceSession(browser);
  const { body } = await call("/v1/session", { authorization: `Bearer ${token.reveal()}` });
  expect(body).toMatchObject({ user: { email: "dora@example.com" }, agent: "cli" });
});

test("a program that the user declines gets nothing, and a forged form lets none in", async () => {
  const { browser, cookie } = await signIn("eve");
  const device = await startDeviceLogin("cli", login());
  const forged = new URLSearchParams({ user_code: device.user_code, answer: "approve", form: "x" });
  const headers = { cookie, "content-type": "application/x-www-form-urlencoded" };
  await fetch(`${url}/device`, { method: "POST", headers, body: forged });
  expect(await pollDeviceLogin(device, "cli", login())).toMatchObject({ state: "pending" });
  const page = await browser.open(device.verification_uri_complete!);
  await browser.submit(page, { answer: "decline" });
  expect(await pollDeviceLogin(device, "cli", login())).toEqual({ state: "declined" });
  const outside = await fetch(`${url}/device?user_code=${device.user_code}`);
  expect(outside.status).toBe(401);
});
