import { afterAll, beforeAll, expect, test } from "vitest";
import { parseChallenge, quoteHash, signHmac } from "../../protocol/index.ts";
import { openQuotes } from "../../provider/kit/resources/quotes.ts";
import { openDatabase } from "../../store/index.ts";
import { openMarket, type Market } from "../middleware/shop.ts";
import { fetchV2 } from "../middleware/stock-clients.ts";
import { read, type Session } from "./attestor.ts";
import { PAY_TO } from "./shop.ts";
import { type OpenGreenhouse, openGreenhouseShop } from "./greenhouse.ts";

let market: Market;
let shop: OpenGreenhouse;
let users = 0;
beforeAll(async () => {
  market = await openMarket();
  shop = await openGreenhouseShop({ facilitatorUrl: market.facilitator.url });
});
afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  await market[Symbol.asyncDispose]();
});

/** Each test has a user of its own. */
async function newUser(mandate?: string): Promise<Session> {
  users += 1;
  const user = { subject: `user-${users}`, email: `user${users}@example.com` };
  return shop.session(mandate === undefined ? user : { ...user, mandate });
}

async function quote(session: Session, body: object) {
  const { body: given } = await shop.call(session, "/provisioning/quotes", body);
  return { quote: given, named: { quote_id: given.id, quote_hash: given.hash } };
}

const paying = async (atomic = 100_000_000n) => (await newBuyer(atomic)).pay;

async function newBuyer(atomic: bigint) {
  const payer = await market.chain.newPayer(atomic);
  const pay = (inner: typeof fetch) => fetchV2(payer, inner);
  return { pay, balance: () => market.chain.chain.balanceOf(payer.address) };
}

const RESOURCES = "/provisioning/resources";

test("a quote says what an order costs, by the provider's price function, and its hash can be computed again", async () => {
  const session = await newUser();
  const configuration = { rare: "no" };
  const { quote: seed } = await quote(session, { service_id: "seed", configuration });
  const said = { amount: "2.00", currency: "usd", kind: "one_time", description: "a seed" };
  expect(seed).toMatchObject(said);
  expect(quoteHash(seed, configuration)).toBe(seed.hash);
  expect(quoteHash({ ...seed, amount: "8.00" }, configuration)).not.toBe(seed.hash);
  expect((await quote(session, { service_id: "pot:small" })).quote).toMatchObject({
    amount: "0.00",
    kind: "free",
  });
});

test("a price function that asks what the catalog does not say gets no quote, and its author is told by the kit", async () => {
  const session = await newUser();
  const warnings: Error[] = [];
  const hear = (warning: Error) => void warnings.push(warning);
  process.on("warning", hear);
  const seed = { service_id: "seed", configuration: { rare: "yes" } };
  const refused = await shop.call(session, "/provisioning/quotes", seed);
  const again = await shop.call(session, "/provisioning/quotes", seed);
  process.off("warning", hear);
  const problem = "The price function of seed asks $7.00, and the catalog says $2.00.";
  expect(refused).toMatchObject({
    status: 409,
    body: { error: { code: "price_not_in_catalog", message: expect.stringContaining(problem) } },
  });
  expect(again).toEqual(refused);
  // Once for each service.
  expect(warnings).toMatchObject([
    {
      name: "ProvisioningWarning",
      code: "price_not_in_catalog",
      message: expect.stringContaining(problem),
      detail: expect.stringContaining("Let the catalog have a price for this configuration"),
    },
  ]);
});

test("what is billed by use, and so needs no quote, is not provided at a price that the catalog does not say", async () => {
  const session = await newUser();
  const { price, done } = shop.opened;
  const dear = () => ({ amount: "0.02", freeform: "", interval: "month", kind: "usage" }) as const;
  Object.assign(shop.opened, { price: { water: dear } });
  const before = done.length;
  const refused = await shop.call(session, RESOURCES, { service_id: "water" }, { key: "w" });
  Object.assign(shop.opened, { price });
  expect(refused).toMatchObject({ status: 409, body: { error: { code: "price_not_in_catalog" } } });
  expect(done).toHaveLength(before);
});

test("what costs money answers 402 for exactly the quote's amount, is paid by a stock client, and is bought once", async () => {
  const session = await newUser();
  const { named } = await quote(session, { service_id: "pot:large" });
  const order = { service_id: "pot:large", ...named };
  const unpaid = await shop.call(session, RESOURCES, order, { key: "k1" });
  expect(unpaid.status).toBe(402);
  const [offer] = parseChallenge({ header: null, body: JSON.stringify(unpaid.body) });
  expect(offer).toMatchObject({ amount: 20_000_000n, payTo: PAY_TO });

  const pay = await paying();
  const bought = await shop.call(session, RESOURCES, order, { key: "k1", pay });
  expect(bought).toMatchObject({
    status: 200,
    body: { status: "complete", billing: { amount: "20.00", interval: "month" } },
  });
  const again = await shop.call(session, RESOURCES, order, { key: "k1", pay });
  expect(again).toEqual(bought);
  expect(shop.opened.done.filter((line) => line.includes(bought.body.id))).toHaveLength(1);
});

test("the provider's own cap refuses what the mandate does not cover, before any price is asked", async () => {
  const mandate = await shop.attestor.mandate({ aud: "greenhouse", max_amount_per_month: "19.99" });
  const session = await newUser(mandate);
  const { named } = await quote(session, { service_id: "pot:large" });
  expect(
    await shop.call(session, RESOURCES, { service_id: "pot:large", ...named }, { key: "k" }),
  ).toMatchObject({
    status: 403,
    body: { status: "error", error: { code: "spend_limit_exceeded", cap: "19.99" } },
  });
});

test.each([
  ["names none", {}, 400, "quote_required"],
  ["names one nobody gave", { quote_id: "quote_x", quote_hash: "x" }, 404, "quote_unknown"],
  ["names another hash", { quote_hash: "x" }, 409, "quote_mismatch"],
  ["is for something else", { configuration: { name: "other" } }, 409, "quote_mismatch"],
])("an order whose quote %s is refused", async (_, changes: object, status, code) => {
  const session = await newUser();
  const { named } = await quote(session, { service_id: "pot:large" });
  const order = {
    service_id: "pot:large",
    ...(code === "quote_required" ? {} : named),
    ...changes,
  };
  expect(await shop.call(session, RESOURCES, order, { key: "k" })).toMatchObject({
    status,
    body: { status: "error", error: { code } },
  });
});

test("a quote is of the project that it was given to, and buys once", async () => {
  const [ada, bob] = [await newUser(), await newUser()];
  const { named } = await quote(ada, { service_id: "seed" });
  const order = { service_id: "seed", ...named };
  const refused = async (session: Session, key: string) =>
    (await shop.call(session, RESOURCES, order, { key })).body.error.code;
  expect(await refused(bob, "k")).toBe("quote_unknown");
  expect((await shop.call(ada, RESOURCES, order, { key: "k", pay: await paying() })).status).toBe(
    200,
  );
  expect(await refused(ada, "k2")).toBe("quote_used");
});

test("a quote ends", () => {
  const clock = { now: 0 };
  const database = openDatabase(":memory:");
  const quotes = openQuotes(database, { now: () => clock.now, newId: () => "1" });
  const of = { accountId: "a", issuer: "i", project: "p" };
  const connection = { ...of, id: "c", subject: "s", agent: "", scope: "account" };
  const facts = { currency: "usd", kind: "one_time", description: "" } as const;
  const said = { service_id: "s", purpose: "create", amount: "1.00", ...facts } as const;
  const { id, hash } = quotes.give(said, { connection, configuration: {} });
  const order = { ...said, configuration: {}, quote_id: id, quote_hash: hash };
  clock.now = 899_999;
  expect(quotes.check(order, connection).id).toBe(id);
  clock.now = 900_000;
  expect(() => quotes.check(order, connection)).toThrow(
    expect.objectContaining({ code: "quote_expired" }),
  );
});

test("a seed that will not grow costs nothing, and its key is free for another try", async () => {
  const session = await newUser();
  const { named } = await quote(session, { service_id: "seed" });
  const order = { service_id: "seed", ...named };
  const pay = await paying(5_000_000n);
  shop.opened.mood = "broken";
  const failed = await shop.call(session, RESOURCES, order, { key: "k", pay });
  shop.opened.mood = "well";
  expect(failed).toMatchObject({ status: 409, body: { error: { code: "unavailable" } } });
  const second = await shop.call(session, RESOURCES, order, { key: "k", pay });
  expect(second.body.status).toBe("complete");
});

test("what was paid and cannot be provided after all is kept as credit, and counts against no cap", async () => {
  const mandate = await shop.attestor.mandate({ aud: "greenhouse", max_amount_per_month: "2.00" });
  const session = await newUser(mandate);
  const { pay, balance } = await newBuyer(4_000_000n);
  const buy = async (key: string) => {
    const { named } = await quote(session, { service_id: "seed" });
    return shop.call(session, RESOURCES, { service_id: "seed", ...named }, { key, pay });
  };
  shop.opened.mood = "pending";
  const { body } = await buy("k1");
  expect(body.status).toBe("pending");
  shop.opened.mood = "broken";
  const asked = await shop.call(session, `${RESOURCES}/${body.id}`, undefined, { method: "GET" });
  shop.opened.mood = "well";
  expect(asked.body).toMatchObject({ status: "error", error: { code: "unavailable" } });
  expect(await balance()).toBe(2_000_000n);
  expect((await buy("k2")).body.status).toBe("complete");
  expect(await balance()).toBe(2_000_000n);
});

test("a service that takes its time is pending until somebody asks after it", async () => {
  const session = await newUser();
  shop.opened.mood = "pending";
  const { body } = await shop.call(session, RESOURCES, { service_id: "pot:small" }, { key: "k" });
  expect(body).toEqual({ status: "pending", id: body.id, service_id: "pot:small" });
  shop.opened.mood = "well";
  const asked = await shop.call(session, `${RESOURCES}/${body.id}`, undefined, { method: "GET" });
  expect(asked.body).toMatchObject({ status: "complete", complete: { access_configuration: {} } });
});

test("a service that needs to know more asks, and goes on under the same key", async () => {
  const session = await newUser();
  const order = { service_id: "grafted" };
  const asked = await shop.call(session, RESOURCES, order, { key: "k" });
  expect(asked.body).toMatchObject({
    status: "needs_information",
    needs_information: { schema: { required: ["kind"] } },
  });
  const told = { ...order, submitted_information: { kind: "pear" } };
  const made = await shop.call(session, RESOURCES, told, { key: "k" });
  expect(made.body).toMatchObject({ status: "complete", id: asked.body.id });
});

test("what the account has already is linked, once it is known which", async () => {
  const session = await newUser();
  const order = { service_id: "grafted" };
  const asked = await shop.call(session, `${RESOURCES}/link`, order, { key: "k" });
  expect(asked.body.status).toBe("needs_information");
  const told = { ...order, submitted_information: { kind: "plum" } };
  const linked = await shop.call(session, `${RESOURCES}/link`, told, { key: "k" });
  expect(linked.body.complete.access_configuration).toEqual({ PLANT: "grafted", KIND: "plum" });
  const other = await shop.call(session, `${RESOURCES}/link`, { service_id: "seed" }, { key: "l" });
  expect(other).toMatchObject({ status: 400, body: { error: { code: "not_supported" } } });
});

test("credentials are rotated: the same resource, other ones", async () => {
  const session = await newUser();
  const { body } = await shop.call(session, RESOURCES, { service_id: "pot:small" }, { key: "k" });
  const at = `${RESOURCES}/${body.id}`;
  const rotated = await shop.call(session, `${at}/rotate_credentials`, {});
  expect(rotated.body).toMatchObject({
    id: body.id,
    complete: { access_configuration: { KEY: "another" } },
  });
  expect((await shop.call(session, at, undefined, { method: "GET" })).body).toEqual(rotated.body);
});

test("an upgrade is paid at its quote and begins a month; a downgrade is free", async () => {
  const session = await newUser();
  const { body } = await shop.call(session, RESOURCES, { service_id: "pot:small" }, { key: "k" });
  const at = `${RESOURCES}/${body.id}/update_service`;
  const up = { service_id: "pot:large", purpose: "update", resource_id: body.id };
  expect(
    (await shop.call(session, at, { service_id: "pot:large" }, { key: "u" })).body.error.code,
  ).toBe("quote_required");
  const { quote: said, named } = await quote(session, up);
  expect(said.amount).toBe("20.00");
  const order = { service_id: "pot:large", ...named };
  const done = await shop.call(session, at, order, { key: "u", pay: await paying() });
  expect(done.body).toMatchObject({
    id: body.id,
    service_id: "pot:large",
    billing: { amount: "20.00" },
  });
  const down = await shop.call(session, at, { service_id: "pot:small" }, { key: "d" });
  expect(down.body).toMatchObject({ status: "complete", service_id: "pot:small" });
  const seed = await shop.call(session, at, { service_id: "seed" }, { key: "s" });
  expect(seed).toMatchObject({ status: 409, body: { error: { code: "update_not_allowed" } } });
});

test("a month is renewed by paying its quote, once; what is used is paid by the unit", async () => {
  const session = await newUser();
  const pay = await paying();
  const { named } = await quote(session, { service_id: "pot:large" });
  const pot = { service_id: "pot:large", ...named };
  const { body: bought } = await shop.call(session, RESOURCES, pot, { key: "k", pay });
  const renewal = { service_id: "pot:large", purpose: "renewal", resource_id: bought.id };
  const next = await quote(session, renewal);
  expect(next.quote.amount).toBe("20.00");
  const at = `${RESOURCES}/${bought.id}/renew`;
  const renewed = await shop.call(session, at, next.named, { pay });
  const month = (text: string) => new Date(text).getUTCMonth();
  expect(
    (month(renewed.body.billing.paid_until) - month(bought.billing.paid_until) + 12) % 12,
  ).toBe(1);
  expect((await shop.call(session, at, next.named)).body.error.code).toBe("quote_used");

  const { body: water } = await shop.call(
    session,
    RESOURCES,
    { service_id: "water" },
    { key: "w" },
  );
  shop.opened.litres = 200n;
  const used = await quote(session, { ...renewal, service_id: "water", resource_id: water.id });
  expect(used.quote).toMatchObject({ amount: "3.00", kind: "usage", unit: "litre" });
  const paid = await shop.call(session, `${RESOURCES}/${water.id}/renew`, used.named, { pay });
  expect(paid.body.status).toBe("complete");
});

test("a part of a plan is sold to nobody without one of its plans", async () => {
  const session = await shop.session();
  const order = { service_id: "trellis", configuration: {} };
  const refused = {
    error: { code: "plan_required", plan: "greenhouse/pot:large,greenhouse/pot:small" },
  };
  expect((await shop.call(session, "/provisioning/quotes", order)).body).toMatchObject(refused);
  expect(await shop.call(session, RESOURCES, order, { key: "t" })).toMatchObject({
    status: 409,
    body: refused,
  });
  await shop.call(session, RESOURCES, { service_id: "pot:small" }, { key: "p" });
  const { body } = await shop.call(session, "/provisioning/quotes", order);
  expect(body).toMatchObject({ amount: "3.00", interval: "month" });
});

test("whoever signs as Stripe alone adds what is free, and what costs money is refused by the published code before any price", async () => {
  const secret = "whsec_1";
  shop.server.trust({
    profile: "stripe",
    issuer: "https://stripe.example",
    clientId: "stripe",
    secrets: [secret],
    redirectUri: "http://127.0.0.1:9/callback",
  });
  const send = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const sign = signHmac(body, { secrets: [secret], now: Date.now() });
    const signed = { "api-version": "0.1d", "stripe-signature": sign, ...headers };
    return read(await fetch(shop.server.url + path, { method: "POST", headers: signed, body }));
  };
  const request = {
    id: "acctreq_1",
    object: "account_request",
    email: "stripe-user@example.com",
    kyc: { verified_fields: ["email"] },
    scopes: [],
    client_capabilities: ["browser"],
    confirmation_secret: "secret",
    expires_at: new Date(Date.now() + 60_000).toISOString(),
    configuration: { climate: "warm", beds: 3 },
    orchestrator: { type: "stripe", stripe: { account: "acct_1" } },
  };
  const { body: account } = await send("/provisioning/account_requests", JSON.stringify(request));
  const grant = { grant_type: "authorization_code", code: account.oauth.code };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const { body: tokens } = await send("/oauth/token", String(new URLSearchParams(grant)), form);
  const authorization = `Bearer ${tokens.access_token}`;
  const add = (service_id: string, more: object = {}) =>
    send("/provisioning/resources", JSON.stringify({ service_id, ...more }), {
      authorization,
      "idempotency-key": service_id,
    });
  const pot = await add("pot:small");
  expect(pot.body).toMatchObject({ status: "complete" });
  const credentials = { type: "stripe_payment_token", stripe_payment_token: "spt_1" };
  for (const refused of [
    await add("seed"),
    await add("pot:large", { payment_credentials: credentials }),
    await send(
      `/provisioning/resources/${pot.body.id}/update_service`,
      JSON.stringify({ service_id: "pot:large" }),
      { authorization, "idempotency-key": "up" },
    ),
  ]) {
    expect(refused).toMatchObject({
      status: 400,
      body: { status: "error", error: { code: "requires_payment_credentials" } },
    });
  }
  const owner = shop.opened.accounts.findByEmail(request.email);
  expect(owner?.configuration).toEqual({ climate: "warm", beds: "3" });
});
