/** An orchestrator that is killed at any step of an order leaves one account, one resource and one charge, once it is asked again. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProviderServer, startProvider } from "../../provider/index.ts";
import { openDatabase } from "../../store/index.ts";
import { type Market, openMarket } from "../middleware/shop.ts";
import { GREENHOUSE, type Greenhouse } from "../provider/greenhouse.ts";
import { PAY_TO } from "../provider/shop.ts";
import { type Change, openOrdering, type OrderingOptions } from "./killed-world.ts";
import { ISSUER } from "./provider-double.ts";
import { bundled } from "../support/bundled.ts";

const run = promisify(execFile);
const CHILD = await bundled(new URL("killed-child.ts", import.meta.url));
const FUNDS = 1_000_000_000n;
const payerKey = generatePrivateKey();
const payer = privateKeyToAccount(payerKey).address;

let dir: string;
let market: Market;
let provider: ProviderServer<Greenhouse>;
let options: Omit<OrderingOptions, "userId">;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "purser-killed-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  market = stack.use(await openMarket());
  await market.chain.local.fund(payer, { usdc: FUNDS });
  const port = await freePort();
  provider = stack.use(
    await startProvider(GREENHOUSE, {
      dir: join(dir, "greenhouse"),
      facilitatorUrl: market.facilitator.url,
      payTo: PAY_TO,
      asset: market.chain.asset,
      trust: [
        {
          issuer: ISSUER,
          clientId: ISSUER,
          keysUrl: `http://127.0.0.1:${port}/.well-known/jwks.json`,
        },
      ],
    }),
  );
  options = { dir, port, rpcUrl: market.chain.rpcUrl, providerUrl: provider.url, payerKey };
});
afterAll(() => stack.disposeAsync());

test.each([
  "after account_requests",
  "after token",
  "before resources",
  "after resources",
  "before payment",
  "after payment",
])("killed %s", async (killAt) => {
  const userId = `usr_${killAt.replace(" ", "_")}`;
  const before = await market.chain.chain.balanceOf(payer);
  const made = provider.opened.done.length;
  const argument = JSON.stringify({ ...options, userId, killAt });
  const killed = run(process.execPath, [CHILD, argument]);
  await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });

  await using ordering = await openOrdering({ ...options, userId });
  if (killAt.endsWith("payment")) {
    // What a payment was signed for goes on by itself, at the start.
    const made = async () => (await ordering.caller.get(ordering.path)).body["resources"];
    await expect.poll(made).toMatchObject([{ status: "complete" }]);
  }
  expect(await ordering.order()).toMatchObject({ status: "complete" });
  const { body } = await ordering.caller.get(ordering.path);
  expect(body).toMatchObject({
    connections: [{ provider: "greenhouse" }],
    resources: [{ service: "greenhouse/pot:large" }],
    purchases: [{ state: "settled", amount: "20.00" }],
    spend: [{ spent: "20.00", reserved: "0.00" }],
  });
  expect(before - (await market.chain.chain.balanceOf(payer))).toBe(20_000_000n);
  expect(provider.opened.done.length - made).toBe(1);
  expect(accountsOf(userId)).toBe(1);
});

const CHANGES: [Change, killAt: string][] = [
  ["update", "after quotes"],
  ["update", "after update_service"],
  ["update", "before payment"],
  ["update", "after payment"],
  ["rotate", "before rotate_credentials"],
  ["rotate", "after rotate_credentials"],
  ["remove", "before remove"],
  ["remove", "after remove"],
  ["renew", "after quotes"],
  ["renew", "after renew"],
  ["renew", "before payment"],
  ["renew", "after payment"],
];
const COSTS: Partial<Record<Change, bigint>> = { update: 20_000_000n, renew: 20_000_000n };

test.each([
  ["link", "before link"],
  ["link", "after link"],
  ["unlink", "before unlink"],
  ["unlink", "after unlink"],
] as const)("killed during %s, %s: the same call again ends it, once", async (how, killAt) => {
  const userId = `usr_${killAt.replace(" ", "_")}`;
  {
    await using ordering = await openOrdering({ ...options, userId });
    await ordering.order("pot:small");
  }
  const argument = JSON.stringify({ ...options, userId, killAt, change: { id: "", how } });
  const killed = run(process.execPath, [CHILD, argument]);
  await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });

  await using ordering = await openOrdering({ ...options, userId });
  await ordering.change("", how);
  const { body } = await ordering.caller.get(ordering.path);
  const services = how === "link" ? ["pot:small", "grafted"] : ["pot:small"];
  expect(body).toMatchObject({
    connections: how === "link" ? [{ provider: "greenhouse" }] : [],
    resources: services.map((service) => ({
      service: `greenhouse/${service}`,
      status: "complete",
    })),
  });
  expect(
    recordsOf(userId)
      .map(({ service }) => service)
      .toSorted(),
  ).toEqual(services.toSorted());
  expect(accountsOf(userId)).toBe(1);
  if (how === "unlink") expect(liveTokensOf(userId)).toBe(0);
});

test.each(CHANGES)("killed during %s, %s", async (how, killAt) => {
  const userId = `usr_${how}_${killAt.replace(" ", "_")}`;
  let id = "";
  {
    await using ordering = await openOrdering({ ...options, userId });
    id = String((await ordering.order(how === "renew" ? "pot:large" : "pot:small"))["id"]);
  }
  const end = how === "renew" ? endPeriod(id) : 0;
  const before = await market.chain.chain.balanceOf(payer);
  const argument = JSON.stringify({ ...options, userId, killAt, change: { id, how } });
  const killed = run(process.execPath, [CHILD, argument]);
  await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });

  await using ordering = await openOrdering({ ...options, userId });
  if (how === "update" && killAt.endsWith("payment")) {
    const now = async () => (await ordering.caller.get(ordering.path)).body["resources"];
    await expect.poll(now).toMatchObject([{ id, service: "greenhouse/pot:large" }]);
  }
  await ordering.change(id, how);
  const { body } = await ordering.caller.get(ordering.path);
  expect(before - (await market.chain.chain.balanceOf(payer))).toBe(COSTS[how] ?? 0n);
  expect(accountsOf(userId)).toBe(1);
  const theirs = recordsOf(userId);
  const status = how === "remove" ? "removed" : "complete";
  expect(theirs, "one resource there").toMatchObject([{ status }]);
  expect(body, "and the same one here").toMatchObject({
    connections: [{ provider: "greenhouse" }],
    resources: [{ id, status, service: `greenhouse/${theirs[0]!.service}` }],
    spend: [{ reserved: "0.00" }],
  });
  if (how === "update") expect(theirs[0]!.service).toBe("pot:large");
  if (how === "renew") expect(theirs[0]!.paidUntil - end).toBeLessThan(32 * 24 * 60 * 60 * 1000);
  if (how === "renew") expect(theirs[0]!.paidUntil).toBeGreaterThan(Date.now());
  if (status === "removed") return;
  const access = await ordering.caller.get(`${ordering.path}/resources/${id}/access`);
  expect(access.body["values"], "what is kept is what holds there").toEqual(
    JSON.parse(theirs[0]!.access),
  );
});

interface Theirs {
  service: string;
  status: string;
  access: string;
  paidUntil: number;
}

function recordsOf(userId: string): Theirs[] {
  using database = openDatabase(join(dir, "greenhouse", "provider.sqlite"));
  const sql =
    "SELECT service_id AS service, status, access, paid_until AS paidUntil FROM resource WHERE account_id IN (SELECT id FROM account WHERE email = ?)";
  return database.query<Theirs>(sql).all(`${userId}@example.com`);
}

/** As if its period had ended just now, for both sides. */
function endPeriod(id: string): number {
  const end = Date.now() - 1000;
  using ours = openDatabase(join(dir, "orchestrator", "orchestrator.db"));
  ours.run("UPDATE resource SET paid_until = ? WHERE id = ?", end, id);
  const row = ours
    .query<{ id: string }>("SELECT provider_id AS id FROM resource WHERE id = ?")
    .get(id);
  using theirs = openDatabase(join(dir, "greenhouse", "provider.sqlite"));
  theirs.run(
    "UPDATE resource SET paid_until = ?, facts = json_set(facts, '$.paidUntil', ?) WHERE id = ?",
    end,
    end,
    row!.id,
  );
  return end;
}

/** Tokens of the account that open something at the provider. */
function liveTokensOf(userId: string): number {
  using database = openDatabase(join(dir, "greenhouse", "provider.sqlite"));
  const sql =
    "SELECT count(*) AS count FROM connection JOIN oauth_item ON grant_id = connection.id WHERE account_id IN (SELECT id FROM account WHERE email = ?) AND model IN ('AccessToken', 'RefreshToken')";
  return database.query<{ count: number }>(sql).get(`${userId}@example.com`)?.count ?? 0;
}

function accountsOf(userId: string): number {
  using database = openDatabase(join(dir, "greenhouse", "provider.sqlite"));
  const sql = "SELECT count(*) AS count FROM account WHERE email = ?";
  return database.query<{ count: number }>(sql).get(`${userId}@example.com`)?.count ?? 0;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
