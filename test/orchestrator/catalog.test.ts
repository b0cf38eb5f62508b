import type { Request, Response } from "express";
import { expect, test } from "vitest";
import { CatalogEnvelope, type ServicesPage } from "../../protocol/index.ts";
import { codeOf, type DeskWorld, openDeskWorld } from "./desk-world.ts";

async function read(world: DeskWorld, run = {}) {
  const { data, warnings } = CatalogEnvelope.parse(
    (await world.startAgent(run).get("/v1/catalog")).body,
  );
  return { ids: data.providers.map(({ profile }) => profile.id), warnings, data };
}

test("the catalogs of all providers are one, each under the URL that it was added by", async () => {
  await using world = await openDeskWorld();
  const pier = await world.addProvider({ id: "pier" });
  const { data } = await read(world);
  expect(data.providers.map(({ profile, baseUrl }) => [profile.id, baseUrl])).toEqual([
    ["harbour", world.provider.url],
    ["pier", pier.url],
  ]);
  expect(data.providers[0]?.services.map(({ id }) => id)).toEqual([
    "berth",
    "box",
    "crane",
    "deposit",
    "free-flag",
    "flag",
  ]);
  expect(data.last_updated).toBe("2026-11-02T00:00:00.000Z");
});

test("a catalog of several pages is read to its end", async () => {
  await using world = await openDeskWorld();
  world.provider.manners.intercept.set("/provisioning/services", (request, response) => {
    const cursor = request.query["cursor"];
    const page = world.provider.page();
    const data = cursor === "2" ? page.data.slice(1) : page.data.slice(0, 1);
    response.json({ ...page, data, next_cursor: cursor === "2" ? null : "2" });
  });
  expect((await read(world)).data.providers[0]?.services).toHaveLength(6);
});

const endless = (page: ServicesPage) => ({ ...page, data: [], next_cursor: "again" });
test.each<[string, (page: ServicesPage) => unknown]>([
  ["has no end", endless],
  ["is no catalog", () => ({ data: "none" })],
  [
    "has a price in floating point",
    (page) => ({
      ...page,
      data: [
        {
          id: "x",
          description: "",
          pricing: {
            type: "paid",
            paid: [
              { type: "freeform", freeform: "", amount: 0.1, currency: "usd", interval: "year" },
            ],
          },
        },
      ],
    }),
  ],
  ["lists a service twice", (page) => ({ ...page, data: [page.data[0], page.data[0]] })],
  ["is larger than it may be", (page) => ({ ...page, padding: "x".repeat(5_000_000) })],
])(
  "a provider whose catalog %s is left out with a warning, and hides no other",
  async (_what, catalog) => {
    await using world = await openDeskWorld({ manners: { catalog } });
    await world.addProvider({ id: "pier" });
    const { ids, warnings } = await read(world);
    expect(ids).toEqual(["pier"]);
    expect(warnings).toEqual([expect.stringContaining(world.provider.url)]);
  },
);

test("a provider that is down is left out with a warning, says so when it is asked for, and comes back", async () => {
  await using world = await openDeskWorld();
  await world.addProvider({ id: "pier" });
  await read(world);
  world.provider.manners.intercept.set("/provisioning/services", (_request, response) => {
    response.socket?.destroy();
  });
  world.clock.now += 61_000;
  const { ids, warnings } = await read(world);
  expect(ids).toEqual(["pier"]);
  expect(warnings).toHaveLength(1);
  const answer = await world.startAgent().post("/connections", { provider: "harbour" });
  expect([answer.status, codeOf(answer)]).toEqual([502, "PROVIDER_UNAVAILABLE"]);
  world.provider.manners.intercept.clear();
  world.clock.now += 2001;
  expect((await read(world)).ids).toEqual(["harbour", "pier"]);
});

test.each<[string, (request: Request, response: Response) => void]>([
  ["hangs", () => undefined],
  ["answers 503", (_request, response) => void response.status(503).end()],
])("a provider that %s is given up on, and the others are there", async (_how, fail) => {
  await using world = await openDeskWorld({ timeoutMs: 100 });
  await world.addProvider({ id: "pier" });
  world.provider.manners.intercept.set("/provisioning/services", fail);
  expect((await read(world)).ids).toEqual(["pier"]);
});

test("the catalog is kept for a minute, and read once for all who ask meanwhile", async () => {
  await using world = await openDeskWorld();
  await Promise.all([read(world), read(world), read(world)]);
  world.clock.now += 59_000;
  await read(world);
  expect(world.provider.paths()).toEqual(["/provisioning/services"]);
  world.clock.now += 2000;
  await read(world);
  expect(world.provider.paths()).toHaveLength(2);
});

test("a payee that changes after first sight is refused, also after a restart, until the human accepts it", async () => {
  await using world = await openDeskWorld();
  await read(world);
  world.provider.manners.payTo = "0x2222222222222222222222222222222222222222";
  await world.reopen();
  const { ids, warnings } = await read(world);
  expect(ids).toEqual([]);
  expect(warnings[0]).toContain("paid");
  world.server.orchestrator.acceptPayees("harbour");
  expect((await read(world)).ids).toEqual(["harbour"]);
});

test("the same payee in other letters is the same payee", async () => {
  await using world = await openDeskWorld({ manners: { payTo: `0x${"ab".repeat(20)}` } });
  await read(world);
  world.provider.manners.payTo = `0x${"AB".repeat(20)}`;
  await world.reopen();
  expect((await read(world)).ids).toEqual(["harbour"]);
});

test("an id belongs to the provider that had it first", async () => {
  await using world = await openDeskWorld();
  await world.addProvider({ id: "harbour", payTo: "0x2222222222222222222222222222222222222222" });
  const { data, warnings } = await read(world);
  expect(data.providers.map(({ baseUrl }) => baseUrl)).toEqual([world.provider.url]);
  expect(warnings[0]).toContain("belongs to");
});

test("a provider that moved is removed at its old address and added at its new one", async () => {
  await using world = await openDeskWorld();
  await world.startAgent().post("/connections", { provider: "harbour" });
  const moved = await world.addProvider({ id: "harbour" });
  world.server.orchestrator.removeProvider(world.provider.url);
  const { data } = await read(world);
  expect(data.providers.map(({ baseUrl }) => baseUrl)).toEqual([moved.url]);
});

test("a provider that calls itself by another name is refused", async () => {
  await using world = await openDeskWorld();
  await read(world);
  world.provider.manners.id = "harbour2";
  world.clock.now += 61_000;
  expect(await read(world)).toMatchObject({
    ids: [],
    warnings: [expect.stringContaining("harbour2")],
  });
});

test("a run sees the providers of its scope alone", async () => {
  await using world = await openDeskWorld();
  await world.addProvider({ id: "pier" });
  expect((await read(world, { providers: ["pier"] })).ids).toEqual(["pier"]);
});

test.each([
  "ftp://x.test",
  "not a url",
  "http://user:pw@x.test",
  "http://x.test/?q",
  "file:///etc/passwd",
])("%s is no provider's base URL", async (url) => {
  await using world = await openDeskWorld();
  expect(() => world.server.orchestrator.addProvider(url)).toThrow(
    expect.objectContaining({ code: "PROVIDER_URL_INVALID" }),
  );
});

test("adding a provider twice is adding it once, with or without a slash at the end", async () => {
  await using world = await openDeskWorld();
  world.server.orchestrator.addProvider(`${world.provider.url}/`);
  expect((await read(world)).ids).toEqual(["harbour"]);
});
