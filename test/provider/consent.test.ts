/** An e-mail that has an account already: its owner signs in and consents in a browser, and nobody else gets in. */
import { join } from "node:path";
import { beforeEach, afterEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../store/index.ts";
import { accountRequest, connect, exchange, pkce, read, sendSigned } from "./attestor.ts";
import { type Browser, openBrowser, type Page } from "./browser.ts";
import { openShop, type Shop } from "./shop.ts";

let shop: Shop;
let letters: { to: string; text: string }[];
let owner: { accountId: string };
let browser: Browser;
let clock: number;
beforeEach(async () => {
  letters = [];
  clock = 0;
  const mail = (letter: { to: string; text: string }) => void letters.push(letter);
  shop = await openShop({ mail, now: () => Date.now() + clock });
  owner = await connect(shop.attestor, shop.url);
  browser = openBrowser();
});
afterEach(() => shop[Symbol.asyncDispose]());

const STRANGER = { subject: "user-2", email: "ADA@example.com" };

/** An account request of the user that is not linked yet. */
async function request(changes: Record<string, unknown> = {}) {
  const { verifier, challenge } = pkce();
  const body = {
    ...(await accountRequest(shop.attestor, { audience: shop.url, challenge, ...STRANGER })),
    ...changes,
  };
  const url = `${shop.url}/provisioning/account_requests`;
  return { verifier, ...(await sendSigned(shop.attestor, url, { body })) };
}
const lastCode = () => /code is ([A-Z-]+)/.exec(letters.at(-1)?.text ?? "")?.[1] ?? "";

/** Signs in as whoever reads the account's mail. */
async function signIn(page: Page): Promise<Page> {
  const asked = await browser.submit(page, {}, 'step" value="send');
  return browser.submit(asked, { code: lastCode() });
}

/** Opens the request's page, signs in, and answers. */
async function decide(body: { requires_auth: { redirect: { url: string } } }, answer: string) {
  const consent = await signIn(await browser.open(body.requires_auth.redirect.url));
  return browser.submit(consent, { answer });
}

test("its owner signs in by a mailed code, sees who asks for what, and approves: a code for the same account, and silence from then on", async () => {
  const { body, verifier } = await request();
  expect(body).toMatchObject({ type: "requires_auth", requires_auth: { type: "redirect" } });
  const login = await browser.open(body.requires_auth.redirect.url);
  expect(login.text).toContain("ADA@example.com");
  const consent = await signIn(login);
  expect(letters).toMatchObject([{ to: "ada@example.com" }]);
  for (const fact of [shop.attestor.issuer, "project-1", "ada@example.com", "$100.00 a month"])
    expect(consent.text).toContain(fact);
  const back = await browser.submit(consent, { answer: "approve" });
  const { origin, searchParams } = new URL(back.url);
  expect(origin).toBe(new URL(shop.attestor.trust.keysUrl).origin);
  const { body: tokens } = await exchange(
    shop.attestor,
    shop.url,
    searchParams.get("code") ?? "",
    verifier,
  );
  expect(tokens.account.id).toBe(owner.accountId);
  await shop.reopen();
  const again = await request();
  expect(again.body.type).toBe("oauth");
});

test("what a stranger wrote is text on the page", async () => {
  const sub = `"><script>alert(1)</script>`;
  const mandate = await shop.attestor.mandate({ sub });
  const { body } = await request({ mandate });
  const consent = await signIn(await browser.open(body.requires_auth.redirect.url));
  expect(consent.text).not.toContain("<script>");
  expect(consent.text).toContain("&lt;script&gt;");
});

test("declining tells the orchestrator so, links nothing, and ends the request", async () => {
  const { body } = await request();
  const back = await decide(body, "decline");
  expect(new URL(back.url).searchParams.get("error")).toBe("access_denied");
  expect((await request()).body.type).toBe("requires_auth");
  const late = await openBrowser().open(body.requires_auth.redirect.url);
  expect(late.text).not.toContain("Approve");
});

test("no page can be framed, cached, or sent to by a form of another site", async () => {
  const { body } = await request();
  const login = await browser.open(body.requires_auth.redirect.url);
  expect(login.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  expect(login.headers.get("cache-control")).toBe("no-store");
  const start = await fetch(body.requires_auth.redirect.url, { redirect: "manual" });
  const cookies = start.headers.getSetCookie().filter((line) => line.startsWith("_interaction="));
  expect(cookies.map((line) => /httponly/i.test(line) && /samesite=lax/i.test(line))).toEqual([
    true,
  ]);
  const forged = await fetch(login.url, {
    method: "POST",
    body: new URLSearchParams({ step: "send" }),
  });
  expect([forged.status, letters]).toEqual([410, []]);
});

test("a form without the page's token does nothing, also from the same browser", async () => {
  const { body } = await request();
  const login = await browser.open(body.requires_auth.redirect.url);
  const tampered = { ...login, text: login.text.replace(/name="token" value="[^"]*"/, "") };
  expect((await browser.submit(tampered, {}, `step" value="send`)).status).toBe(410);
  expect(letters).toEqual([]);
});

test("an account whose e-mail is no longer the one that was asked for is not let in, whoever approves", async () => {
  const { body } = await request();
  const consent = await signIn(await browser.open(body.requires_auth.redirect.url));
  {
    using database = openDatabase(join(shop.dir, "provider.sqlite"));
    database.run("UPDATE account SET email = 'eve@example.com' WHERE id = ?", owner.accountId);
  }
  const over = await browser.submit(consent, { answer: "approve" });
  expect([over.status, over.text]).toEqual([410, expect.stringContaining("This request is over")]);
});

test("a page of one browser is nothing in another", async () => {
  const { body } = await request();
  const login = await browser.open(body.requires_auth.redirect.url);
  expect((await openBrowser().open(login.url)).status).toBe(410);
});

test("a pushed request cannot be changed from the address, and an account request cannot be named there", async () => {
  const { body } = await request();
  const url = new URL(body.requires_auth.redirect.url);
  url.searchParams.set("account_request", "areq_other");
  url.searchParams.set("redirect_uri", "https://evil.example/");
  const login = await browser.open(url.href);
  expect(login.text).toContain("ADA@example.com");
  const own = new URLSearchParams({
    client_id: shop.attestor.trust.clientId,
    redirect_uri: new URL("/oauth/callback", shop.attestor.trust.keysUrl).href,
    response_type: "code",
    scope: "account",
    code_challenge: pkce().challenge,
    code_challenge_method: "S256",
    account_request: "areq_guessed",
  });
  const guessed = await browser.open(`${shop.url}/oauth/authorize?${own.toString()}`);
  expect(guessed.status).toBe(410);
  own.set("redirect_uri", "https://evil.example/");
  const elsewhere = await fetch(`${shop.url}/oauth/authorize?${own.toString()}`, {
    redirect: "manual",
  });
  expect([elsewhere.status, elsewhere.headers.get("location")]).toEqual([400, null]);
});

describe("a sign-in code", () => {
  async function codePage(): Promise<Page> {
    const { body } = await request();
    const login = await browser.open(body.requires_auth.redirect.url);
    return browser.submit(login, {}, `step" value="send`);
  }
  const refused = "That code does not hold.";

  test("is refused when it is wrong, and at the sixth try even when it is right", async () => {
    let at = await codePage();
    for (let tries = 0; tries < 5; tries += 1) {
      at = await browser.submit(at, { code: "WRONG" });
      expect(at.text).toContain(refused);
    }
    expect((await browser.submit(at, { code: lastCode() })).text).toContain(refused);
  });

  test("is refused ten minutes later", async () => {
    const at = await codePage();
    clock += 599_999;
    clock += 1;
    expect((await browser.submit(at, { code: lastCode() })).text).not.toContain("Approve");
  });

  test("may be written in small letters and with blanks", async () => {
    const at = await codePage();
    const code = ` ${lastCode().toLowerCase().replace("-", " ")} `;
    expect((await browser.submit(at, { code })).text).toContain("Approve");
  });

  test("is sent three times, and the last one counts", async () => {
    let at = await codePage();
    const first = lastCode();
    for (let times = 0; times < 2; times += 1) {
      at = await browser.submit(at, {}, `step" value="again`);
      at = await browser.submit(at, {}, `step" value="send`);
    }
    expect((await browser.submit(at, { code: first })).text).toContain(refused);
    const over = await browser.submit(at, {}, `step" value="again`);
    const last = await browser.submit(over, {}, `step" value="send`);
    expect([letters.length, last.text.includes("Begin anew")]).toEqual([3, true]);
  });

  test("is nowhere in the provider's files but in the letter", async () => {
    await codePage();
    const { readFileSync, readdirSync } = await import("node:fs");
    const files = readdirSync(shop.dir).filter((name) => name.startsWith("provider.sqlite"));
    const code = lastCode().replace("-", "");
    for (const name of files)
      expect(readFileSync(`${shop.dir}/${name}`, "latin1")).not.toContain(code);
  });
});

test("a request is over after ten minutes", async () => {
  const { body } = await request();
  clock += 600_000;
  expect((await browser.open(body.requires_auth.redirect.url)).status).toBe(410);
});

test("an owner on another device enters the code that the agent shows, and the token comes by polling", async () => {
  const { body } = await request();
  const { device } = body.requires_auth;
  const poll = () =>
    fetch(`${shop.url}/oauth/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "urn:ietf:params:oauth:grant-type:device_code",
        device_code: device.device_code,
        client_id: shop.attestor.trust.clientId,
      }),
    }).then(read);
  expect((await poll()).body.error).toBe("authorization_pending");
  const enter = await browser.open(device.verification_uri);
  const confirm = await browser.submit(enter, { user_code: device.user_code });
  expect(confirm.text).toContain(device.user_code);
  const consent = await signIn(await browser.submit(confirm, { confirm: "yes" }));
  const done = await browser.submit(consent, { answer: "approve" });
  expect(done.text).toContain("Connected");
  const { status, body: tokens } = await poll();
  expect([status, tokens.account.id]).toEqual([200, owner.accountId]);
  expect((await poll()).body.error).toBe("invalid_grant");
  expect((await request()).body.type).toBe("oauth");
});

test("a device's code that is not there opens nothing", async () => {
  const enter = await browser.open(`${shop.url}/oauth/device`);
  const answer = await browser.submit(enter, { user_code: "BCDF-GHJK" });
  expect(answer.text).toContain("does not hold");
});
