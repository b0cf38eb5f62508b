/**
 * `purser pay` and `purser wallet` as a person uses them, beside a world that is up in another program: what pays is a process of its
 * own, and what is refused or only looks is the same command line in this one.
 */
import { expect, onTestFinished, test } from "vitest";
import { openHostileShop } from "../middleware/hostile-shop.ts";
import { openShop } from "../middleware/shop.ts";
import { runCommand, startCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

const timeout = 90_000;

test("pays for one request, shows what it did, and book and chain agree", { timeout }, async () => {
  using folder = temporaryFolder();
  const { path: cwd } = folder;
  const early = await commandLine(["wallet", "status", "--json"], { cwd });
  expect([early.code, JSON.parse(early.stdout)]).toMatchObject([
    3,
    { error: { code: "WORLD_NOT_UP" } },
  ]);

  const up = startCommand(["up", "--json"], { cwd });
  onTestFinished(async () => {
    up.child.kill("SIGTERM");
    await up.ended;
  });
  const { facilitatorUrl } = await up.json<{ facilitatorUrl: string }>();
  await using shop = await openShop({ facilitatorUrl });
  const read = ({ code, stdout }: { code: number | null; stdout: string }) => ({
    code,
    out: JSON.parse(stdout) as Record<string, unknown>,
  });
  const run = async (...args: string[]) => read(await commandLine([...args, "--json"], { cwd }));
  const buy = [
    "pay",
    `${shop.url}/shop/items`,
    "-H",
    "content-type: application/json",
    "-d",
    '{"item":"a"}',
  ];

  expect(await run(...buy)).toMatchObject({ code: 2, out: { error: { code: "USAGE" } } });
  expect(await run(...buy, "--dry-run")).toMatchObject({
    code: 0,
    out: {
      kind: "priced",
      offers: ["x402 v2", "x402 v1", "mpp"].map((protocol) => {
        return { protocol, amount: "0.01", payTo: shop.payTo };
      }),
    },
  });
  expect(await run(...buy, "--max", "0.009")).toMatchObject({
    code: 1,
    out: { error: { code: "OFFER_PRICE" } },
  });
  const other = `0x${"ee".repeat(20)}`;
  expect(await run(...buy, "--max", "1", "--payee", other)).toMatchObject({
    code: 1,
    out: { error: { code: "OFFER_PAYEE" } },
  });
  expect(shop.events).toEqual([]);

  const order = [...buy, "--max", "0.01", "--key", "k1", "--json"];
  const paid = read(await runCommand(order, { cwd }));
  expect(paid).toMatchObject({
    code: 0,
    out: { kind: "delivered", status: 201, payment: { amount: "0.01", state: "settled" } },
  });
  expect(JSON.stringify(paid.out)).not.toContain("signature");
  expect((await run(...buy, "--max", "0.01", "--key", "k1")).code).toBe(0);
  expect(shop.events).toEqual(["work a", "settled a"]);

  const plainText = await runCommand([...buy, "--max", "0.01", "-H", "Idempotency-Key: k1"], {
    cwd,
  });
  expect(JSON.parse(plainText.stdout)).toMatchObject({ item: "a" });
  expect(plainText.stderr).toMatch(/^If this is interrupted, go on with --key k1\.\n/);
  expect(plainText.stderr).toContain(`Paid 0.01 to ${shop.payTo}`);

  await using free = await openHostileShop({ onUnpaid: (_, response) => void response.send("hi") });
  expect(await run("pay", free.url, "--max", "1")).toMatchObject({
    out: { body: "hi", status: 200 },
  });
  expect(free.unpaid()).toBe(1);

  expect(await run("wallet", "status")).toMatchObject({
    code: 0,
    out: {
      balance: "999.99",
      settled: "0.01",
      open: "0.00",
      signer: { keptFrom: expect.arrayContaining(["files"]) },
    },
  });
  expect(await run("wallet", "history")).toMatchObject({
    out: { purchases: [{ amount: "0.01", state: "settled", payTo: shop.payTo }] },
  });
  expect(await run("wallet", "reconcile")).toMatchObject({
    code: 0,
    out: { settled: 1, open: 0, unexplained: [], missing: 0 },
  });
});
