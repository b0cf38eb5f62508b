/**
 * Several agents at one account: each is let in by the account's owner at the provider, for its scopes, has tokens of its own, and is taken
 * back one by one. An owner who has not decided is not asked twice, and a provider that was unlinked has forgotten.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type OrchestratorServer, startOrchestrator, type User } from "../../orchestrator/index.ts";
import { BASE_SEPOLIA_USDC, type HumanAsk, Secret } from "../../protocol/index.ts";
import { type ProviderServer, startProvider } from "../../provider/index.ts";
import { openDatabase, openLedger } from "../../store/index.ts";
import { openBrowser, type Page } from "../provider/browser.ts";
import { GREENHOUSE, type Greenhouse } from "../provider/greenhouse.ts";
import { PAY_TO } from "../provider/shop.ts";
import { type Answer, codeOf } from "./desk-world.ts";
import { ISSUER } from "./provider-double.ts";
import { type Caller, openSession } from "./session-caller.ts";

const TERMS = GREENHOUSE.termsVersion;
const stack = new AsyncDisposableStack();
const letters: { text: string }[] = [];
const sent: { path: string; body: string }[] = [];
const clock = { skew: 0 };
const FAULTS = ["down", "slow", "broken", "lost"] as const;
/** What becomes of the next calls to the provider whose path or body names this. */
const faults = new Map<string, ((typeof FAULTS)[number] | Promise<never>)[]>();
const now = () => Date.now() + clock.skew;
let dir: string;
let server: OrchestratorServer;
let provider: ProviderServer<Greenhouse>;
let answer: (ask: HumanAsk) => Promise<string>;
let users = 0;
/** A user who has a project and, with the agent "cli", an account. */
let ada: User;
let at: string;
let cli: Caller;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "purser-agents-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const bytesKey = new Secret(new Uint8Array(32));
  const ledger = openLedger({ path: join(dir, "ledger.db"), bytesKey });
  stack.defer(() => ledger.close());
  server = stack.use(
    await startOrchestrator({
      dir: join(dir, "orchestrator"),
      issuer: ISSUER,
      human: { ask: async (ask) => ({ answer: await answer(ask) }) },
      ledger,
      now,
      fetch: async (input, init) => {
        const { pathname } = new URL(input instanceof Request ? input.url : String(input));
        const body = typeof init?.body === "string" ? init.body : "";
        sent.push({ path: pathname, body });
        const name = [...faults.keys()].find((key) => `${pathname} ${body}`.includes(key));
        const fault = await faults.get(name ?? "")?.shift();
        if (fault === "broken") return new Response("", { status: 500 });
        if (fault === "lost") await fetch(input, init);
        if (fault === "slow") throw new DOMException("The time was up.", "TimeoutError");
        if (fault !== undefined)
          throw new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
        return fetch(input, init);
      },
    }),
  );
  provider = stack.use(
    await startProvider(GREENHOUSE, {
      dir: join(dir, "greenhouse"),
      facilitatorUrl: "http://127.0.0.1:9",
      payTo: PAY_TO,
      asset: BASE_SEPOLIA_USDC,
      trust: [{ issuer: ISSUER, clientId: ISSUER, keysUrl: `${server.url}/.well-known/jwks.json` }],
      mail: (letter) => void letters.push(letter),
      now,
    }),
  );
  server.orchestrator.addProvider(provider.url);
});
afterAll(() => stack.disposeAsync());
beforeEach(async () => {
  clock.skew = 0;
  faults.clear();
  answer = () => Promise.resolve("decline");
  const id = `usr_${(users += 1)}`;
  ada = { id, email: `${id}@example.com`, name: id, emailVerified: true };
  at = `/v1/projects/${server.orchestrator.createProject({ name: "garden", user: ada }).id}`;
  cli = callerOf("cli");
  expect((await link(cli)).status).toBe(200);
  sent.length = 0;
});

const callerOf = (agent: string, user = ada) =>
  openSession({ server, clock: { now: now() } }, { user, agent });
const link = (caller: Caller, scopes?: string[]): Promise<Answer> =>
  caller.post(`${at}/connections`, {
    provider: "greenhouse",
    accept_terms: TERMS,
    ...(scopes ? { scopes } : {}),
  });
let keys = 0;
const add = (caller: Caller, service = "pot:small"): Promise<Answer> =>
  caller.post(`${at}/resources`, {
    service: `greenhouse/${service}`,
    idempotency_key: `key-${(keys += 1)}`,
    name: `pot-${keys}`,
  });
const detailsOf = ({ body }: Answer) =>
  (body["error"] as { details: Record<string, string> }).details;

/** The owner signs in on the page that is open and decides; the page before deciding, and after. */
async function decide(
  page: Page,
  browser: ReturnType<typeof openBrowser>,
  word = "approve",
): Promise<{ consent: Page; after: Page }> {
  const code = await browser.submit(page, {}, 'step" value="send');
  const letter = /code is ([A-Z-]+)/.exec(letters.at(-1)?.text ?? "")?.[1] ?? "";
  const consent = await browser.submit(code, { code: letter });
  return { consent, after: await browser.submit(consent, { answer: word }) };
}
async function decideAt(url: string | undefined, word = "approve") {
  const browser = openBrowser();
  return decide(await browser.open(url!), browser, word);
}
async function decideOnDevice(refused: Answer, word = "approve") {
  const { verification_uri, user_code } = detailsOf(refused);
  const browser = openBrowser();
  const enter = await browser.open(verification_uri!);
  const confirm = await browser.submit(enter, { user_code: user_code! });
  return decide(await browser.submit(confirm, { confirm: "yes" }), browser, word);
}

function inProvider<Row extends object>(sql: string): Row[] {
  using db = openDatabase(join(dir, "greenhouse", "provider.sqlite"));
  return db.query<Row>(sql).all(ada.id);
}
const grants = () =>
  inProvider<{ agent: string; scope: string }>(
    "SELECT agent, scope FROM connection WHERE subject = ? ORDER BY agent",
  );

test("a second agent is let in by the account's owner at the provider, for its scopes, and from then on silently", async () => {
  const gardener = callerOf("gardener");
  const asked = await link(gardener, ["resources"]);
  expect(codeOf(asked)).toBe("CONSENT_REQUIRED");
  const { consent, after } = await decideAt(detailsOf(asked)["url"]);
  expect(consent.text).toContain("gardener");
  expect(consent.text).toContain("add, change and remove services");
  expect(consent.text).not.toContain("pay for services");
  expect(after.text).toContain("Done here");
  expect((await link(gardener, ["resources"])).status).toBe(200);
  expect(grants()).toEqual([
    { agent: "cli", scope: "account" },
    { agent: "gardener", scope: "resources:read resources:write" },
  ]);
  expect((await add(gardener)).body).toMatchObject({ status: "complete" });
  expect(codeOf(await add(gardener, "pot:large"))).toBe("SCOPE_MISSING");
  expect((await cli.get(`${at}/connections`)).body["connections"], "one account").toHaveLength(1);
  sent.length = 0;
  expect((await link(gardener)).status).toBe(200);
  expect(sent, "nobody is asked again").toEqual([]);
});

test("what an agent's token may not do the provider refuses, whatever the orchestrator would let through", async () => {
  const reader = callerOf("reader");
  await decideAt(detailsOf(await link(reader, ["payments"]))["url"]);
  expect((await link(reader, ["payments"])).status).toBe(200);
  using db = openDatabase(join(dir, "orchestrator", "orchestrator.db"));
  const sql = `UPDATE consent SET scopes = '["payments","resources"]' WHERE agent = 'reader'`;
  db.run(sql);
  db.run(
    "UPDATE agent_token SET scope = 'payments resources:read resources:write' WHERE agent = 'reader'",
  );
  const refused = await add(reader);
  expect([codeOf(refused), detailsOf(refused)["provider_code"]]).toEqual([
    "PROVIDER_REFUSED",
    "insufficient_scope",
  ]);
});

test("while the owner has not decided, connecting again opens no other request: one page, one code", async () => {
  const gardener = callerOf("gardener");
  const first = await link(gardener);
  for (const skew of [0, 6000, 12_000]) {
    clock.skew = skew;
    const again = await link(gardener);
    expect(codeOf(again)).toBe("CONSENT_REQUIRED");
    expect(detailsOf(again)).toEqual(detailsOf(first));
  }
  const open = inProvider("SELECT id FROM pending_request WHERE subject = ?");
  expect(open).toHaveLength(1);
  await decideAt(detailsOf(first)["url"]);
  expect((await link(gardener)).status).toBe(200);
});

test("a request that the owner let expire is made anew", async () => {
  const gardener = callerOf("gardener");
  const first = await link(gardener);
  clock.skew = 11 * 60 * 1000;
  const second = await link(callerOf("gardener"));
  expect(codeOf(second)).toBe("CONSENT_REQUIRED");
  expect(detailsOf(second)["user_code"]).not.toBe(detailsOf(first)["user_code"]);
});

test("an owner who consents on another device is heard of by polling, no more often than the provider says", async () => {
  const gardener = callerOf("gardener");
  const asked = await link(gardener);
  const polls = () => sent.filter(({ body }) => body.includes("device_code")).length;
  expect([codeOf(await link(gardener)), codeOf(await link(gardener))]).toEqual([
    "CONSENT_REQUIRED",
    "CONSENT_REQUIRED",
  ]);
  expect(polls()).toBe(1);
  const { after } = await decideOnDevice(asked);
  expect(after.text).toContain("Connected");
  clock.skew = 6000;
  sent.length = 0;
  expect((await link(gardener)).status).toBe(200);
  expect(sent.map(({ path }) => path)).toEqual(["/oauth/token"]);
  expect((await add(gardener)).body).toMatchObject({ status: "complete" });
});

test.each(FAULTS)(
  "a provider that is %s when a device's code is asked after: it is told so, and asking later links the one account",
  async (fault) => {
    const gardener = callerOf("gardener");
    await decideOnDevice(await link(gardener));
    faults.set("device_code", [fault]);
    const failed = await link(gardener);
    expect(failed).toMatchObject({
      status: 502,
      body: { error: { code: "PROVIDER_UNAVAILABLE", nextStep: expect.stringMatching(/later/) } },
    });
    clock.skew = 6000;
    expect((await link(gardener)).body).toMatchObject({ status: "active" });
    expect((await add(gardener)).body).toMatchObject({ status: "complete" });
    expect((await cli.get(`${at}/connections`)).body["connections"]).toHaveLength(1);
  },
);

test("an owner who declines in the browser is believed, and asked again only when the agent is told so and comes back", async () => {
  const gardener = callerOf("gardener");
  const asked = await link(gardener);
  await link(gardener);
  await decideAt(detailsOf(asked)["url"], "decline");
  expect(codeOf(await link(gardener)), "also where the device's code is not asked after yet").toBe(
    "CONSENT_DECLINED",
  );
  expect(grants().map(({ agent }) => agent)).toEqual(["cli"]);
  clock.skew = 6000;
  const anew = await link(gardener);
  expect(codeOf(anew)).toBe("CONSENT_REQUIRED");
  const [before, later] = [asked, anew].map(detailsOf);
  expect(later!["url"]).not.toBe(before!["url"]);
  expect(later!["user_code"]).not.toBe(before!["user_code"]);
  await decideOnDevice(anew);
  clock.skew = 12_000;
  expect((await link(gardener)).status).toBe(200);
});

test("an owner who declines on another device is believed", async () => {
  const gardener = callerOf("gardener");
  await decideOnDevice(await link(gardener), "decline");
  expect(codeOf(await link(gardener))).toBe("CONSENT_DECLINED");
  expect(grants().map(({ agent }) => agent)).toEqual(["cli"]);
});

test("a run's agent asks its human, who consents at the provider, and is asked nothing more", async () => {
  const asks: HumanAsk[] = [];
  answer = async (ask) => {
    asks.push(ask);
    await decideAt(ask.facts?.["url"]);
    return "accept";
  };
  const order = { budget: "1.00", expires_at: new Date(now() + 60_000).toISOString() };
  const run = await cli.post(`${at}/runs`, { ...order, agent: "runner" });
  const call = async () => {
    const response = await fetch(`${server.url}${at}/connections`, {
      method: "POST",
      headers: { authorization: `Bearer ${String(run.body["token"])}` },
      body: JSON.stringify({ provider: "greenhouse" }),
    });
    return response.status;
  };
  expect([await call(), await call()]).toEqual([200, 200]);
  expect(asks.map(({ kind }) => kind)).toEqual(["consent"]);
  const { body } = await cli.get(`${at}/consents`);
  expect(body["consents"]).toMatchObject([{ agent: "cli" }, { agent: "runner", revoked_at: null }]);
});

test("a consent that is narrowed holds at once at the provider too, and asks nobody", async () => {
  const order = { provider: "greenhouse", agent: "cli", scopes: ["resources"] };
  await cli.post(`${at}/consents`, order);
  expect(grants(), "what it had has ended").toEqual([{ agent: "cli", scope: "account" }]);
  expect((await add(cli)).body).toMatchObject({ status: "complete" });
  expect(grants()).toContainEqual({ agent: "cli", scope: "resources:read resources:write" });
});

test("a consent that is widened is the owner's to give at the provider", async () => {
  const gardener = callerOf("gardener");
  await decideAt(detailsOf(await link(gardener, ["resources"]))["url"]);
  expect((await link(gardener, ["resources"])).status).toBe(200);
  const asked = await link(gardener, ["resources", "payments"]);
  expect(codeOf(asked)).toBe("CONSENT_REQUIRED");
  expect((await add(gardener)).status, "what it had it has").toBe(200);
});

test("one agent's consent is taken back, and the others go on; it is not let in silently again", async () => {
  const gardener = callerOf("gardener");
  await decideAt(detailsOf(await link(gardener))["url"]);
  expect((await link(gardener)).status).toBe(200);
  const { body } = await cli.get(`${at}/consents`);
  const consents = body["consents"] as { id: string; agent: string }[];
  const revoke = () =>
    cli.delete(`${at}/consents/${consents.find(({ agent }) => agent === "gardener")!.id}`);
  expect((await revoke()).body).toMatchObject({ agent: "gardener", told: true });
  expect(grants().map(({ agent }) => agent)).toEqual(["cli"]);
  expect(codeOf(await add(gardener))).toBe("AGENT_NOT_ADMITTED");
  expect(codeOf(await link(gardener))).toBe("CONSENT_REQUIRED");
  expect((await add(cli)).body).toMatchObject({ status: "complete" });
});

test("asking anew, as after another cap, ends the grant that it replaces, and no other agent's", async () => {
  const gardener = callerOf("gardener");
  await decideAt(detailsOf(await link(gardener, ["resources"]))["url"]);
  expect((await link(gardener, ["resources"])).status).toBe(200);
  const live = () =>
    inProvider(
      "SELECT agent, model, oauth_item.hash FROM oauth_item JOIN connection ON connection.id = grant_id WHERE subject = ? AND model IN ('AccessToken', 'RefreshToken') ORDER BY agent, model",
    );
  const before = live();
  const [access, refresh] = ["AccessToken", "RefreshToken"].map((model) => ({ model }));
  const both = [
    { agent: "cli", ...access },
    { agent: "cli", ...refresh },
    { agent: "gardener", ...access },
    { agent: "gardener", ...refresh },
  ];
  expect(before).toMatchObject(both);
  await cli.put(`${at}/caps/greenhouse`, { amount: "7.00" });
  const after = live();
  expect(after).toMatchObject(both);
  expect(after.slice(2)).toEqual(before.slice(2));
  expect(after).not.toContainEqual(before[0]);
  for (const caller of [cli, gardener])
    expect((await add(caller)).body).toMatchObject({ status: "complete" });
});

test("an unlinked provider has forgotten the link: linking again asks the owner, and finds the same account", async () => {
  const before = (await cli.get(`${at}/connections`)).body["connections"];
  const { body } = await cli.delete(`${at}/connections/greenhouse`);
  expect(body).toEqual({ unlinked: true, told: true });
  expect(grants()).toEqual([]);
  const asked = await link(cli);
  expect(codeOf(asked)).toBe("CONSENT_REQUIRED");
  await decideAt(detailsOf(asked)["url"]);
  expect((await link(cli)).body).toMatchObject({ status: "active" });
  const after = (await cli.get(`${at}/connections`)).body["connections"];
  expect(after).toMatchObject([
    { account_id: (before as { account_id: string }[])[0]!.account_id },
  ]);
});

const GIVEN_UP = {
  unlink: () => cli.delete(`${at}/connections/greenhouse`),
  "consents revoke": async () => {
    const { body } = await cli.get(`${at}/consents`);
    return cli.delete(`${at}/consents/${(body["consents"] as { id: string }[])[0]!.id}`);
  },
};
const WAYS = ["unlink", "consents revoke"] as const;
const liveTokens = () =>
  inProvider(
    "SELECT hash FROM oauth_item JOIN connection ON connection.id = grant_id WHERE subject = ? AND model IN ('AccessToken', 'RefreshToken')",
  );

test.each(WAYS.flatMap((way) => FAULTS.map((fault) => [way, fault] as const)))(
  "%s, to a provider that is %s once: it is asked again, and has forgotten the link",
  async (way, fault) => {
    faults.set("/unlink", [fault]);
    expect((await GIVEN_UP[way]()).body).toMatchObject({ told: true });
    expect(sent.map(({ path }) => path)).toEqual(Array(2).fill("/provisioning/unlink"));
    expect(grants()).toEqual([]);
    expect(codeOf(await link(cli)), "nobody is let in silently").toBe("CONSENT_REQUIRED");
  },
);

test.each(WAYS.flatMap((way) => FAULTS.map((fault) => [way, fault] as const)))(
  "%s, to a provider that stays %s: it is over here and says that it is not known to be there, and the tokens are dead there",
  async (way, fault) => {
    faults.set("/unlink", [fault, fault]);
    expect((await GIVEN_UP[way]()).body).toMatchObject({ told: false });
    expect(liveTokens()).toEqual([]);
    const { body } = await cli.get(`${at}/consents`);
    expect(body["consents"]).toMatchObject([{ agent: "cli", revoked_at: expect.any(String) }]);
  },
);

test("a token's end whose answer was lost is asked for again, and counts as heard", async () => {
  faults.set("/revoke", ["lost"]);
  const order = { provider: "greenhouse", agent: "cli", scopes: ["resources"] };
  expect((await cli.post(`${at}/consents`, order)).body).toMatchObject({ told: true });
  expect(liveTokens()).toEqual([]);
});

test("a slow provider is waited for no longer however many agents have tokens there: they end all at once", async () => {
  const gardener = callerOf("gardener");
  await decideAt(detailsOf(await link(gardener))["url"]);
  expect((await link(gardener)).status).toBe(200);
  const times = { up: Promise.withResolvers<never>() };
  faults.set("/unlink", ["slow", "slow"]);
  faults.set("/revoke", Array(8).fill(times.up.promise));
  sent.length = 0;
  const unlinked = GIVEN_UP.unlink();
  // Two tokens of each agent; were one waited for before the next is asked, there would be one call.
  await expect.poll(() => sent.filter(({ path }) => path.endsWith("/revoke")).length).toBe(4);
  times.up.reject(new DOMException("The time was up.", "TimeoutError"));
  expect((await unlinked).body).toEqual({ unlinked: true, told: false });
});

test("unlinking one project leaves the user's other project linked", async () => {
  const first = at;
  at = `/v1/projects/${server.orchestrator.createProject({ name: "second", user: ada }).id}`;
  expect((await link(cli)).status).toBe(200);
  const second = at;
  await cli.delete(`${first}/connections/greenhouse`);
  at = second;
  expect((await add(cli)).body).toMatchObject({ status: "complete" });
});

test("a token that outlived its hour is renewed to unlink, so that the provider hears of it", async () => {
  clock.skew = 9 * 60 * 60 * 1000;
  const { body } = await callerOf("cli").delete(`${at}/connections/greenhouse`);
  expect(body).toEqual({ unlinked: true, told: true });
  expect(grants()).toEqual([]);
});

test("no agent is the owner by its name", async () => {
  expect(codeOf(await add(callerOf("owner")))).toBe("AGENT_NOT_ADMITTED");
});
