/** The orchestrator's own sign-in, with an issuer of somebody else's and with our own: who is let in, as whom, and what is refused. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  type OrchestratorServer,
  startLocalIssuer,
  startOrchestrator,
} from "../../orchestrator/index.ts";
import { pollDeviceLogin, startDeviceLogin } from "../../protocol/device-login.ts";
import { Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";
import { type Browser, openBrowser, type Page } from "../provider/browser.ts";
import { CLIENT_ID, type IssuerDouble, startIssuerDouble } from "./issuer-double.ts";

const stack = new AsyncDisposableStack();
let dir: string;
let issuer: IssuerDouble;
let server: OrchestratorServer;
let browser: Browser;
const clock = { skew: 0 };
const outcasts = new Set<string>();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "purser-sign-in-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  issuer = stack.use(await startIssuerDouble());
  server = await open("stranger", {
    issuer: issuer.url,
    clientId: CLIENT_ID,
    admits: ({ email }) => !email.startsWith("mallory") && !outcasts.has(email),
  });
});
afterAll(() => stack.disposeAsync());
beforeEach(() => {
  browser = openBrowser();
  Object.assign(issuer.user, { sub: "u1", email: "ada@example.com", email_verified: true });
  for (const key of Object.keys(issuer.manners))
    delete issuer.manners[key as keyof IssuerDouble["manners"]];
  clock.skew = 0;
});

async function open(
  name: string,
  signIn: NonNullable<Parameters<typeof startOrchestrator>[0]["signIn"]>,
): Promise<OrchestratorServer> {
  const bytesKey = new Secret(new Uint8Array(32));
  const ledger = openLedger({ path: join(dir, `${name}.db`), bytesKey });
  stack.defer(() => ledger.close());
  const now = () => Date.now() + clock.skew;
  const place = { dir: join(dir, name), issuer: "https://orchestrator.purser.test", ledger, now };
  return stack.use(await startOrchestrator({ ...place, signIn }));
}

const signIn = (then = "", at = server.url) => browser.open(`${at}/sign-in/start${then}`);

/** Without following: what a browser is told. */
const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(server.url + path, { redirect: "manual", ...init, headers });
const cookieOf = (response: { headers: Headers }) =>
  response.headers.getSetCookie().map((line) => line.split(";")[0]!);
async function begin() {
  const response = await ask("/sign-in/start");
  return { to: new URL(response.headers.get("location")!), cookie: cookieOf(response)[0]! };
}
/** What the issuer sends back for it. */
async function backFrom(to: URL): Promise<URL> {
  const response = await fetch(to, { redirect: "manual" });
  return new URL(response.headers.get("location")!);
}
async function sessionCookie(): Promise<string> {
  const { to, cookie } = await begin();
  const back = await backFrom(to);
  const response = await ask(back.pathname + back.search, { cookie });
  return cookieOf(response).find((pair) => pair.startsWith("purser_session="))!;
}

test("a browser that signs in with the issuer is its user's, in a program's session too", async () => {
  const page = await signIn();
  expect(page).toMatchObject({ url: `${server.url}/sign-in`, status: 200 });
  expect(page.text).toContain("ada@example.com");

  const login = { url: server.url, fetch, signal: AbortSignal.timeout(30_000) };
  const device = await startDeviceLogin("cli", login);
  const stranger = openBrowser();
  const asked = await stranger.open(device.verification_uri_complete!);
  expect(asked.text, "it signs in on the way, and comes back to the code").toContain(
    device.user_code,
  );
  await stranger.submit(asked, { answer: "approve" });
  const let_in = await pollDeviceLogin(device, "cli", login);
  if (let_in.state !== "signed_in") throw new Error(let_in.state);
  const headers = { authorization: `Bearer ${let_in.token.reveal()}` };
  const session = await (await ask("/v1/session", headers)).json();
  expect(session).toMatchObject({
    user: { email: "ada@example.com", name: "Ada", email_verified: true },
  });
});

test("what is asked of the issuer has a state, a nonce and PKCE by S256, anew each time", async () => {
  const [one, two] = [await begin(), await begin()];
  expect(one.to.origin).toBe(issuer.url);
  const { searchParams } = one.to;
  expect(searchParams.get("code_challenge_method")).toBe("S256");
  expect(searchParams.get("redirect_uri")).toBe(`${server.url}/sign-in/callback`);
  for (const name of ["state", "nonce", "code_challenge"]) {
    expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/);
    expect(searchParams.get(name)).not.toBe(two.to.searchParams.get(name));
  }
});

test("its cookies are out of reach of scripts and of other sites' forms", async () => {
  const { to, cookie } = await begin();
  const back = await backFrom(to);
  const response = await ask(back.pathname + back.search, { cookie });
  const set = response.headers.getSetCookie().find((line) => line.startsWith("purser_session="));
  expect(set).toMatch(/HttpOnly/);
  expect(set).toMatch(/SameSite=Lax/);
  const token = set!.split(";")[0]!.split("=")[1]!;
  const files = ["orchestrator.db", "orchestrator.db-wal"].map((name) =>
    readFileSync(join(dir, "stranger", name), "latin1"),
  );
  expect(files.some((text) => text.includes(token))).toBe(false);
});

const LIES: [what: string, manners: IssuerDouble["manners"]][] = [
  ["another state", { back: (query) => query.set("state", "x") }],
  ["no state", { back: (query) => query.delete("state") }],
  ["another nonce", { claims: { nonce: "x" } }],
  ["no nonce", { claims: { nonce: undefined } }],
  ["another client's token", { claims: { aud: "another" } }],
  ["another issuer's token", { claims: { iss: "https://elsewhere.example" } }],
  ["a token that has expired", { claims: { exp: 1_000 } }],
  ["a token of another key", { foreignKey: true }],
  ["a made-up code", { back: (query) => query.set("code", "x") }],
  [
    "an error",
    {
      back: (query) => {
        query.delete("code");
        query.set("error", "access_denied");
      },
    },
  ],
];
test.each(LIES)("%s signs nobody in", async (_, manners) => {
  Object.assign(issuer.manners, manners);
  const page = await signIn();
  expect(page.text).toContain("You are not signed in");
  expect([400, 403]).toContain(page.status);
  expect((await browser.open(`${server.url}/device`)).text).not.toContain("Enter the code");
});

test("an answer that another browser asked for signs this one in as nobody", async () => {
  const { to } = await begin();
  const back = await backFrom(to);
  const page = await browser.open(back.href);
  expect([page.status, page.text]).toEqual([403, expect.stringContaining("has not begun")]);
});

test("an attempt is for one answer: the same address opened again is refused", async () => {
  const { to, cookie } = await begin();
  const back = await backFrom(to);
  expect((await ask(back.pathname + back.search, { cookie })).status).toBe(303);
  const again = await ask(back.pathname + back.search, { cookie });
  expect(again.status).toBe(400);
});

test.each([
  ["//evil.example/x", "/sign-in"],
  ["/\\evil.example", "/sign-in"],
  ["https://evil.example/", "/sign-in"],
  ["javascript:alert(1)", "/sign-in"],
  ["/%09/evil.example", "/%09/evil.example"],
  ["/\t/evil.example", "/sign-in"],
  ["/device?user_code=ABCD", "/device?user_code=ABCD"],
])("after signing in, %j leads to %j", async (then, path) => {
  const page = await signIn(`?then=${encodeURIComponent(then)}`);
  expect(page.url).toBe(server.url + path);
});

test("a user who is not admitted, or of whom the issuer says no e-mail, is told so", async () => {
  issuer.user.email = "mallory@example.com";
  expect((await signIn()).text).toContain("no user of this orchestrator");
  Object.assign(issuer.user, { email: undefined });
  expect((await signIn()).text).toContain("does not say the user&#39;s e-mail");
});

test("an e-mail that the token does not say is read from userinfo, and counts as verified only if it says so", async () => {
  Object.assign(issuer.manners, { userinfo: true });
  Object.assign(issuer.user, { sub: "u7", email_verified: false });
  const cookie = await sessionCookie();
  const session = await (await ask("/v1/session", { cookie })).json();
  expect(session).toMatchObject({ user: { email: "ada@example.com", email_verified: false } });
});

test("one e-mail of two subjects is two users", async () => {
  const json = { "content-type": "application/json" };
  const projects = async () => {
    const cookie = await sessionCookie();
    const init = { method: "POST", body: JSON.stringify({ name: "mine" }) };
    await ask("/v1/projects", { cookie, ...json }, init);
    const body = (await (await ask("/v1/projects", { cookie })).json()) as { projects: unknown[] };
    return body.projects.length;
  };
  Object.assign(issuer.user, { sub: "first" });
  expect(await projects()).toBe(1);
  Object.assign(issuer.user, { sub: "second" });
  expect(await projects()).toBe(1);
});

test("a form of another site signs nobody out; ours does", async () => {
  const page = await signIn();
  const forged: Page = { ...page, text: page.text.replace(/value="[^"]*"/, 'value="x"') };
  expect((await browser.submit(forged, {}, "sign-out")).status).toBe(403);
  expect((await browser.submit(page, {}, "sign-out")).text).toContain("signed out");
  expect((await browser.open(`${server.url}/device`)).url, "it signs in anew").toContain("/device");
});

test("a session of a browser ends after a week, and a signed-out one at once", async () => {
  const cookie = await sessionCookie();
  expect((await ask("/v1/session", { cookie })).status).toBe(200);
  clock.skew = 8 * 24 * 60 * 60 * 1000;
  expect((await ask("/v1/session", { cookie })).status).toBe(401);
});

test("who is no longer admitted is nobody, signed in or not", async () => {
  issuer.user.email = "carol@example.com";
  const cookie = await sessionCookie();
  outcasts.add("carol@example.com");
  expect((await ask("/v1/session", { cookie })).status).toBe(401);
});

test("an issuer without TLS on another machine signs nobody in", async () => {
  const opened = open("far", { issuer: "http://issuer.example", clientId: CLIENT_ID });
  await expect(opened).rejects.toMatchObject({ code: "SIGN_IN_INVALID" });
});

test("an issuer that is down is told as such", async () => {
  const far = await open("down", { issuer: "http://127.0.0.1:9", clientId: CLIENT_ID });
  const page = await signIn("", far.url);
  expect([page.status, page.text]).toEqual([502, expect.stringContaining("could not be reached")]);
});

test("our own issuer signs its one user in by the passcode, which is tried ten times at most", async () => {
  const user = { id: "usr_me", email: "me@example.com", name: "Me", emailVerified: true };
  let at = "";
  await using local = await startLocalIssuer({
    user,
    redirectUri: () => `${at}/sign-in/callback`,
  });
  const own = await open("own", {
    issuer: local.url,
    clientId: local.clientId,
    userId: (subject) => subject,
  });
  at = own.url;
  const asked = await signIn("", own.url);
  const wrong = await browser.submit(asked, { passcode: "BBBB-BBBB" });
  expect(wrong.text).toContain("not the passcode");
  const page = await browser.submit(asked, { passcode: local.passcode.toLowerCase() });
  expect([page.url, page.text]).toEqual([`${at}/sign-in`, expect.stringContaining(user.email)]);

  browser = openBrowser();
  const other = await signIn("", own.url);
  for (let tries = 0; tries < 10; tries += 1)
    await browser.submit(other, { passcode: "BBBB-BBBB" });
  const late = await browser.submit(other, { passcode: local.passcode });
  expect(late.text).toContain("too often");
});
