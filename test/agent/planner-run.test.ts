import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openShop } from "./shop-double.ts";
import { openDesk, PAYMENT } from "./desk-double.ts";
import { openTestWorld, run } from "./run.ts";

const LANDING =
  'Put a landing page for Nimbus Coffee on nimbus.dev that says "Fresh beans, slow mornings".';

test("takes a goal to a live page at a provider it has never seen", async () => {
  await using world = await openTestWorld();
  const { desk, shop } = world;
  const result = await run(desk, LANDING);
  expect(result).toMatchObject({
    outcome: "live",
    hostname: "nimbus.dev",
    stopReason: "finish",
    modelCost: "0.00",
    toolErrors: 0,
  });
  const page = await (await fetch(result.url ?? "")).text();
  expect(page).toContain("<title>Nimbus Coffee</title>");
  expect(page).toContain("Fresh beans, slow mornings");
  expect([...shop.registered]).toEqual(["nimbus.dev"]);
  expect([...desk.purchases.values()]).toMatchObject([{ amount: "12.18", state: "settled" }]);
});

test("adds what is free before money moves", async () => {
  await using world = await openTestWorld();
  const { events } = await run(world.desk, LANDING);
  const added = events.flatMap((event) =>
    event.type === "tool" && event.name === "add_service" ? [event.input] : [],
  );
  expect(added).toMatchObject([{ service: "harbour/berth" }, { service: "harbour/name:plate" }]);
});

test("gives an API its storage, and shows that it reads what was written", async () => {
  await using world = await openTestWorld();
  const goal =
    "I need an API that stores notes under /notes/<id> at notes-box.dev: PUT stores the body, GET returns it.";
  const { outcome, url = "" } = await run(world.desk, goal);
  expect(outcome).toBe("live");
  const body = JSON.stringify({ text: "buy beans" });
  const headers = { "content-type": "application/json" };
  expect((await fetch(`${url}notes/7`, { method: "PUT", headers, body })).status).toBe(200);
  expect(await (await fetch(`${url}notes/7`)).text()).toBe(body);
  expect((await fetch(`${url}notes/8`)).status).toBe(404);
  expect(await (await fetch(`${url}notes`)).json()).toEqual({
    items: [{ key: "7", value: { text: "buy beans" } }],
    complete: true,
  });
});

test("takes the alternative that the goal allows when the first name is taken", async () => {
  await using world = await openTestWorld({ shop: { taken: ["nimbus.dev"] } });
  const goal =
    "Put a page for Nimbus Coffee on nimbus.dev. If that is taken, use nimbus-coffee.dev.";
  const { outcome, hostname } = await run(world.desk, goal);
  expect({ outcome, hostname }).toEqual({ outcome: "live", hostname: "nimbus-coffee.dev" });
  expect([...world.shop.registered]).toEqual(["nimbus-coffee.dev"]);
});

test("refuses when the name is taken and the goal allows no other", async () => {
  await using world = await openTestWorld({ shop: { taken: ["nimbus.dev"] } });
  const result = await run(world.desk, LANDING);
  expect(result).toMatchObject({ outcome: "refused", error: { code: "DOMAIN_TAKEN" } });
  expect(world.desk.purchases.size).toBe(0);
});

test("refuses what is over the budget with the numbers, and asks for no account", async () => {
  await using world = await openTestWorld({ budget: "12.17" });
  const result = await run(world.desk, LANDING);
  expect(result).toMatchObject({ outcome: "refused", error: { code: "OVER_BUDGET" } });
  expect(result.reason).toMatch(/\$12\.18 .*\$12\.17/);
  expect(world.desk.calls).toEqual([
    "GET /v1/catalog",
    "GET /v1/projects",
    "GET /v1/projects/prj_1",
  ]);
});

test("buys at exactly the budget", async () => {
  await using world = await openTestWorld({ budget: "12.18" });
  expect(await run(world.desk, LANDING)).toMatchObject({ outcome: "live" });
});

test("refuses what is over the provider's cap", async () => {
  await using world = await openTestWorld({ cap: "12.00" });
  const result = await run(world.desk, LANDING);
  expect(result).toMatchObject({ outcome: "refused", error: { code: "OVER_BUDGET" } });
});

test("keeps to the limit that the goal itself sets", async () => {
  await using world = await openTestWorld();
  const result = await run(world.desk, `${LANDING} Spend at most $12.`);
  expect(result).toMatchObject({ outcome: "refused", error: { code: "OVER_BUDGET" } });
  expect(world.desk.purchases.size).toBe(0);
});

test.each([
  [
    "the human declines the terms",
    "TERMS_DECLINED",
    "TERMS_DECLINED",
    /Accept the provider's terms/,
  ],
  ["the account's owner has not consented", "CONSENT_REQUIRED", "CONSENT_MISSING", /Consent on/],
  ["the account's owner declines", "CONSENT_DECLINED", "CONSENT_MISSING", /Consent on/],
] as const)("stops when %s, and buys nothing", async (_, declines, code, nextStep) => {
  await using world = await openTestWorld({ declines });
  const result = await run(world.desk, LANDING);
  expect(result).toMatchObject({
    outcome: "refused",
    error: { code, nextStep: expect.stringMatching(nextStep) as string },
  });
  expect(
    world.desk.calls.filter((call) => call === "POST /v1/projects/prj_1/connections"),
  ).toHaveLength(1);
  expect(world.desk.purchases.size).toBe(0);
});

test.each([
  ["more than the catalog says", { amount: "12.19" }, "OFFER_PRICE"],
  ["to another than the catalog names", { payTo: `0x${"c".repeat(40)}` }, "OFFER_PAYEE"],
])("pays nothing to a 402 that asks %s", async (_, asks, code) => {
  await using world = await openTestWorld({ shop: { asks } });
  const { outcome, error, events } = await run(world.desk, LANDING);
  expect({ outcome, code: error?.code }).toEqual({ outcome: "refused", code: "OFFER_REFUSED" });
  expect(events).toContainEqual(
    expect.objectContaining({ type: "refusal", error: expect.objectContaining({ code }) }),
  );
  expect(world.desk.purchases.size).toBe(0);
  expect(world.shop.payments.size).toBe(0);
});

test("buys at another provider when the first one's offer is not its catalog's", async () => {
  await using crooked = await openShop({
    id: "reef",
    asks: { amount: "90.00" },
    prices: { dev: "9.00" },
  });
  await using honest = await openShop();
  await using desk = await openDesk({ shops: [crooked, honest] });
  expect(await run(desk, LANDING)).toMatchObject({ outcome: "live" });
  expect([...honest.registered]).toEqual(["nimbus.dev"]);
  expect(crooked.payments.size).toBe(0);
});

test("chooses the provider where the whole costs least, whatever its place in the list", async () => {
  await using dear = await openShop({ id: "dear", prices: { dev: "12.18" } });
  await using cheap = await openShop({ id: "cheap", prices: { dev: "12.17" } });
  await using desk = await openDesk({ shops: [dear, cheap] });
  expect(await run(desk, LANDING)).toMatchObject({ outcome: "live" });
  expect([...cheap.registered]).toEqual(["nimbus.dev"]);
});

test("goes to the provider that the goal names", async () => {
  await using cheap = await openShop({ id: "cheap", prices: { dev: "1.00" } });
  await using asked = await openShop({ id: "acme", prices: { dev: "2.00" } });
  await using desk = await openDesk({ shops: [cheap, asked] });
  expect(await run(desk, `${LANDING} Use acme.`)).toMatchObject({ outcome: "live" });
  expect([...asked.registered]).toEqual(["nimbus.dev"]);
});

test("does not buy a domain from a provider whose hosting cannot serve it", async () => {
  await using registrar = await openShop({ id: "names", services: ["domain"] });
  await using host = await openShop({ id: "host", services: ["hosting"] });
  await using desk = await openDesk({ shops: [registrar, host] });
  const result = await run(desk, LANDING);
  expect(result).toMatchObject({ outcome: "failed", error: { code: "NO_SERVICE" } });
  expect(desk.purchases.size).toBe(0);
});

test("deploys to the provider's own hostname when no domain is wanted", async () => {
  await using world = await openTestWorld();
  const result = await run(world.desk, 'Put a page online that says "Hello, harbour".');
  expect(result).toMatchObject({ outcome: "live", hostname: "welcome.quay.example" });
  expect(await (await fetch(result.url ?? "")).text()).toContain("Hello, harbour");
  expect(world.desk.purchases.size).toBe(0);
});

test("goes on in a project that already has the domain, without buying it again", async () => {
  await using world = await openTestWorld();
  await run(world.desk, LANDING);
  const again = await run(world.desk, LANDING);
  expect(again.outcome).toBe("live");
  expect(again.tools).not.toContain("check_domain");
  expect(world.desk.purchases.size).toBe(1);
});

test("finishes a payment whose outcome is unknown with the same bytes", async () => {
  await using world = await openTestWorld({
    shop: { failPaid: [500, 500, 500] },
    settles: ["unknown", "unknown", "unknown"],
  });
  const { outcome, toolErrors } = await run(world.desk, LANDING);
  expect({ outcome, toolErrors }).toEqual({ outcome: "live", toolErrors: 1 });
  expect([...world.shop.payments]).toEqual([`${PAYMENT}-1`]);
  expect(world.desk.purchases.size).toBe(1);
});

test("answers a price question from the catalog, without an account", async () => {
  await using world = await openTestWorld();
  const result = await run(world.desk, "What does nimbus.dev cost?");
  expect(result).toMatchObject({
    outcome: "answered",
    answer: expect.stringContaining("$12.18 a year"),
  });
  expect(world.desk.calls).toEqual(["GET /v1/catalog"]);
});

test("asks which domain is meant when the goal wants one and names none", async () => {
  await using world = await openTestWorld({ answer: "nimbus.com, please" });
  const goal = "Register a domain and put a page for Nimbus Coffee on it.";
  expect(await run(world.desk, goal)).toMatchObject({ outcome: "live", hostname: "nimbus.com" });
});

test("only registers a domain where that is the goal", async () => {
  await using world = await openTestWorld();
  const result = await run(world.desk, "Register nimbus.dev.");
  expect(result).toMatchObject({ outcome: "answered", answer: "nimbus.dev is registered." });
  expect(world.desk.resources).toEqual([]);
});

test("deploys the user's own folder as it is", async () => {
  const workspace = await mkdtemp(join(tmpdir(), "purser-"));
  await writeFile(join(workspace, "index.html"), "<h1>Lumen</h1>");
  await writeFile(join(workspace, ".env"), "SECRET=1");
  await using world = await openTestWorld();
  const result = await run(world.desk, "Deploy this folder to lumen.dev", { workspace });
  expect(result.outcome).toBe("live");
  const page = await fetch(result.url ?? "");
  expect(await page.text()).toBe("<h1>Lumen</h1>");
  expect((await fetch(`${result.url}.env`)).status).toBe(404);
  await rm(workspace, { recursive: true });
});

test("buys nothing for a folder that is not there", async () => {
  const workspace = await mkdtemp(join(tmpdir(), "purser-"));
  await using world = await openTestWorld();
  const result = await run(world.desk, "Deploy the folder site/ to lumen.dev", { workspace });
  expect(result).toMatchObject({ outcome: "failed", error: { code: "UNCLEAR_GOAL" } });
  expect(world.desk.purchases.size).toBe(0);
  await rm(workspace, { recursive: true });
});

test("does nothing for a goal that it cannot read", async () => {
  await using world = await openTestWorld();
  const result = await run(world.desk, "hello");
  expect(result).toMatchObject({ outcome: "failed", error: { code: "UNCLEAR_GOAL" }, steps: 1 });
  expect(world.desk.calls).toEqual([]);
});

test.each([
  ["Do not buy a domain. Put a page for Ada on ada.dev", "PURCHASE_FORBIDDEN"],
  ["I already own ada.dev. Put a page on it.", "DOMAIN_OWNED"],
  ["Put a page on ada.dev, but do not spend more than $5", "OVER_BUDGET"],
  ["Put a page on ada.dev for a handful of dollars", "UNCLEAR_GOAL"],
  ["Put a page on -bad-.dev", "UNCLEAR_GOAL"],
])("refuses %j and opens no account", async (goal, code) => {
  await using world = await openTestWorld({ answer: "Use your best judgement." });
  const result = await run(world.desk, goal);
  expect(result).toMatchObject({ outcome: "refused", error: { code } });
  expect(world.desk.purchases.size).toBe(0);
  expect(world.shop.requests).toEqual([]);
});

test("buys after a plain yes to its question about money", async () => {
  await using world = await openTestWorld({ answer: "yes" });
  const result = await run(world.desk, "Put a page on ada.dev for a handful of dollars");
  expect(result).toMatchObject({ outcome: "live", hostname: "ada.dev" });
  expect(result.tools.filter((tool) => tool === "ask_human")).toHaveLength(1);
});

test("puts a page on a domain that is the project's already, without buying", async () => {
  await using world = await openTestWorld();
  await run(world.desk, "Register ada.dev");
  const goal = "I already own ada.dev. Do not buy anything. Put a page on it.";
  expect(await run(world.desk, goal)).toMatchObject({ outcome: "live", hostname: "ada.dev" });
  expect(world.desk.purchases.size).toBe(1);
});

test.each([
  ["Don't buy anything. Just tell me whether ada.dev is free.", "ada.dev is free: $12.18 a year"],
  ["Check if taken.dev is taken, do not register it", "taken.dev is taken"],
  ["How much does a .com domain cost?", "A .com domain costs $10.44 a year"],
])("answers %j and buys nothing", async (goal, words) => {
  await using world = await openTestWorld({ shop: { taken: ["taken.dev"] } });
  const answer = expect.stringContaining(words);
  expect(await run(world.desk, goal)).toMatchObject({ outcome: "answered", answer });
  expect(world.desk.purchases.size).toBe(0);
});

test("says why a cheaper offer was not taken", async () => {
  await using cheap = await openShop({
    id: "cheap",
    services: ["domain"],
    prices: { dev: "1.00" },
  });
  await using shop = await openShop();
  await using desk = await openDesk({ shops: [cheap, shop] });
  const { outcome, answer } = await run(desk, LANDING);
  expect({ outcome, answer }).toEqual({
    outcome: "live",
    answer:
      "cheap offers nimbus.dev for $1.00, but it has no hosting, and one provider has to do all of it.",
  });
});

test("asks for the folder of a site of one's own, and does not guess", async () => {
  const workspace = await mkdtemp(join(tmpdir(), "purser-"));
  await writeFile(join(workspace, "index.html"), "<h1>Private</h1>");
  await using world = await openTestWorld({ answer: "Use your best judgement." });
  const result = await run(world.desk, "Put my own site on nimbus.dev", { workspace });
  expect(result).toMatchObject({ outcome: "refused", error: { code: "UNCLEAR_GOAL" } });
  expect(result.error?.nextStep).toContain("folder");
  expect(world.desk.purchases.size).toBe(0);
  await rm(workspace, { recursive: true });
});
