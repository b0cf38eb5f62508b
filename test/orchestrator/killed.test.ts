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
import { openOrdering, type OrderingOptions } from "./killed-world.ts";
import { ISSUER } from "./provider-double.ts";

const run = promisify(execFile);
const CHILD = join(import.meta.dirname, "killed-child.ts");
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
