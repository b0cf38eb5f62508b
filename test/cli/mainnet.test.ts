/** The mainnet steps of docs/real-networks.md, on a chain that has Base's id and Base's token: up to a payment that settles. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import { startFacilitator } from "../../facilitator/index.ts";
import { BASE_USDC } from "../../protocol/index.ts";
import { stockShopOnBase } from "../middleware/stock-shops.ts";
import { openBaseChain } from "../support/base-chain.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("on Base a payment settles where it is allowed by name and by amount, and the books agree", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  await using chain = await openBaseChain();
  const { rpcUrl } = chain;
  const [gas, key] = [generatePrivateKey(), generatePrivateKey()];
  const { address } = privateKeyToAccount(key);
  await chain.fund(privateKeyToAccount(gas).address, { ether: 10n ** 18n });
  await chain.fund(address, { usdc: 1_000_000n });
  const settler = { rpcUrl, privateKey: gas, asset: BASE_USDC };
  await expect(startFacilitator(settler)).rejects.toMatchObject({ code: "MAINNET_NOT_ALLOWED" });
  const facilitator = await startFacilitator({ ...settler, allowMainnet: true });
  await using shop = await stockShopOnBase(facilitator.url);
  writeFileSync(join(cwd, "hex"), key, { mode: 0o600 });
  const run = async (...args: string[]) => {
    const env = { RPC_URL: rpcUrl };
    const { code, stdout } = await commandLine([...args, "--json"], { cwd, env });
    return { code, out: JSON.parse(stdout) as Record<string, unknown> };
  };

  const wallet = ["--wallet", "mine", "--allow-mainnet"];
  const asked = [
    "wallet",
    "import",
    ...wallet,
    "--network",
    "base",
    "--key-file",
    "hex",
    "--plain",
  ];
  expect(await run(...asked, "--max-per-month", "1.00")).toMatchObject({ code: 0 });
  const order = ["-H", "content-type: application/json", "-d", '{"item":"a"}', "--local"];
  const pay = ["pay", `${shop.url}/shop/items`, ...order, "--max", "0.01"];
  const refused = { code: 2, out: { error: { code: "MAINNET_NOT_ALLOWED" } } };
  expect(await run(...pay, "--wallet", "mine")).toMatchObject(refused);
  expect(shop.sold).toEqual([]);
  expect(await run(...pay, ...wallet)).toMatchObject({
    code: 0,
    out: { kind: "delivered", payment: { amount: "0.01", state: "settled" } },
  });
  expect(shop.sold).toEqual(["a"]);
  const status = { code: 0, out: { address, balance: "0.99", settled: "0.01" } };
  expect(await run("wallet", "status", ...wallet)).toMatchObject(status);
  const agreed = { code: 0, out: { passed: true, settled: 1, unexplained: [], missing: 0 } };
  expect(await run("wallet", "reconcile", ...wallet)).toMatchObject(agreed);
  await facilitator.close();
}, 60_000);
