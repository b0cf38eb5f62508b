/**
 * A wallet of its own, from the key to the first payment and the books, as docs/real-networks.md walks a person through it. What a person
 * starts is a process (`start`); what only looks at the same thing again is the same command line in this one (`run`). The signer is
 * a process always.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAddress } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clockLines } from "../../cli/wallet-status.ts";
import { openWalletFolder } from "../../scenarios/index.ts";
import { encryptKey } from "../../middleware/index.ts";
import { Secret } from "../../protocol/index.ts";
import { type Market, openMarket, openShop } from "../middleware/shop.ts";
import { runCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

const timeout = 180_000;
const PASSPHRASE = "correct horse battery staple";

let market: Market;
beforeAll(async () => (market = await openMarket()), 60_000);
afterAll(() => market[Symbol.asyncDispose]());

/** A folder, and commands that run there with --json. */
function openDesk() {
  const folder = temporaryFolder();
  const { path: cwd } = folder;
  const key = generatePrivateKey();
  const address = privateKeyToAddress(key);
  const env = { RPC_URL: market.chain.rpcUrl, WALLET_PASSPHRASE: PASSPHRASE };
  const read = ({ code, stdout }: { code: number | null; stdout: string }) => ({
    code,
    out: JSON.parse(stdout) as Record<string, unknown>,
  });
  return {
    cwd,
    key,
    address,
    text: (...args: string[]) => commandLine(args, { cwd, env }),
    run: async (...args: string[]) => read(await commandLine([...args, "--json"], { cwd, env })),
    start: async (...args: string[]) => read(await runCommand([...args, "--json"], { cwd, env })),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
const ORDER = ["-H", "content-type: application/json", "-d", '{"item":"a"}'];
const WITH = ["--wallet", "mine", "--passphrase-env", "WALLET_PASSPHRASE"];

test("from a key to a first payment and books that agree", { timeout }, async () => {
  using desk = openDesk();
  const { run, start, cwd, key, address } = desk;
  const keystore = encryptKey({
    key: new Secret(key),
    passphrase: new Secret(PASSPHRASE),
    n: 4_096,
  });
  writeFileSync(join(cwd, "keystore.json"), JSON.stringify(keystore), { mode: 0o600 });

  const asked = ["wallet", "import", ...WITH, "--network", "base-sepolia"];
  const imported = await start(...asked, "--key-file", "keystore.json", "--max-per-month", "5.00");
  expect(imported).toMatchObject({
    code: 0,
    out: { address, encrypted: true, limits: { maxPerCall: "5.00", maxPerMonth: "5.00" } },
  });
  expect(statSync(join(cwd, "mine", "key")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(cwd, "mine", "key"), "utf8")).not.toContain(key.slice(2));
  expect(await run(...asked, "--key-file", "keystore.json")).toMatchObject({
    code: 2,
    out: { error: { code: "USAGE" } },
  });
  writeFileSync(join(cwd, "wrong"), "another\n");
  const wrong = ["--wallet", "mine", "--passphrase-file", "wrong"];
  expect(await run("wallet", "status", ...wrong)).toMatchObject({
    code: 1,
    out: { error: { code: "SIGNER_KEY_INVALID" } },
  });

  await market.chain.local.fund(address, { usdc: 2_000_000n });
  await using shop = await openShop({ facilitatorUrl: market.facilitator.url });
  const buy = ["pay", `${shop.url}/shop/items`, ...WITH, "--local", ...ORDER, "--max", "0.01"];
  expect(await run(...buy, "--dry-run")).toMatchObject({
    code: 0,
    out: { passed: true, kind: "priced" },
  });
  expect(shop.events).toEqual([]);
  expect(await start(...buy)).toMatchObject({
    code: 0,
    out: { passed: true, kind: "delivered", payment: { amount: "0.01", state: "settled" } },
  });

  expect(await start("wallet", "status", ...WITH)).toMatchObject({
    code: 0,
    out: {
      address,
      balance: "1.99",
      settled: "0.01",
      unknown: "0.00",
      clock: { aheadOfChainSeconds: expect.any(Number) },
      signer: { limits: { maxPerMonth: "5.00" }, signed: { total: "0.01" } },
    },
  });
  expect(await run("wallet", "reconcile", ...WITH)).toMatchObject({
    code: 0,
    out: { passed: true, settled: 1, unexplained: [] },
  });
  expect(await run("wallet", "verify", ...WITH)).toMatchObject({
    code: 0,
    out: { passed: true, authorizations: 1 },
  });
  const exported = await run("wallet", "export", ...WITH);
  expect(exported).toMatchObject({ out: { journal: [{ to: "sent" }, { to: "settled" }] } });
  const csv = await desk.text("wallet", "export", ...WITH, "--csv");
  expect(csv.stdout.split("\n")[0]).toBe("at,purchase,nonce,from,to,credit,debit,amount");
  const signature = /[0-9a-f]{130}/;
  expect(JSON.stringify(exported.out) + csv.stdout).not.toMatch(signature);
});

test(
  "a key as text is encrypted by itself, and opens with its passphrase alone",
  { timeout },
  async () => {
    using desk = openDesk();
    const { run, cwd, key, address } = desk;
    writeFileSync(join(cwd, "hex"), key.slice(2), { mode: 0o600 });
    const asked = ["wallet", "import", ...WITH, "--network", "eip155:84532", "--key-file", "hex"];
    expect(await run(...asked)).toMatchObject({ code: 0, out: { address, encrypted: true } });
    const status = ["wallet", "status", "--wallet", "mine"];
    expect(await run(...status)).toMatchObject({ code: 2, out: { error: { code: "USAGE" } } });
    writeFileSync(join(cwd, "right"), `${PASSPHRASE}\n`);
    expect(await run(...status, "--passphrase-file", "right")).toMatchObject({ out: { address } });
  },
);

test(
  "a mainnet is refused in every command that does not name it, and without a maximum",
  { timeout },
  async () => {
    using desk = openDesk();
    const { run, cwd, key } = desk;
    writeFileSync(join(cwd, "hex"), key, { mode: 0o600 });
    const refused = { code: 2, out: { error: { code: "MAINNET_NOT_ALLOWED" } } };
    const asked = [
      "wallet",
      "import",
      "--wallet",
      "mine",
      "--network",
      "base",
      "--key-file",
      "hex",
      "--plain",
    ];
    expect(await run(...asked)).toMatchObject(refused);
    expect(await run(...asked, "--allow-mainnet")).toMatchObject(refused);
    expect(await run(...asked, "--allow-mainnet", "--max-per-month", "1.00")).toMatchObject({
      code: 0,
    });
    for (const command of ["status", "history", "reconcile", "verify", "export"]) {
      expect(await run("wallet", command, "--wallet", "mine")).toMatchObject(refused);
    }
    // Named, it is the RPC server that is of another chain.
    expect(await run("wallet", "status", "--wallet", "mine", "--allow-mainnet")).toMatchObject({
      code: 1,
      out: { error: { code: "CHAIN_MISMATCH" } },
    });
    await using shop = await openShop({ facilitatorUrl: market.facilitator.url });
    const buy = ["pay", `${shop.url}/shop/items`, "--wallet", "mine", "--local", ...ORDER];
    const unlimited = await run(...buy, "--allow-mainnet");
    expect(unlimited).toMatchObject({ code: 2, out: { error: { code: "USAGE" } } });
    expect(await run(...buy, "--max", "1")).toMatchObject(refused);
    expect(shop.events).toEqual([]);
  },
);

test(
  "a token of the human's own network is known from a file, and no network is guessed",
  { timeout },
  async () => {
    using desk = openDesk();
    const { run, start, cwd, key } = desk;
    writeFileSync(join(cwd, "hex"), key, { mode: 0o600 });
    const { address, eip712 } = market.chain.asset;
    const entry = {
      network: "eip155:84532",
      networkName: "my-net",
      address,
      symbol: "USDC",
      decimals: 6,
      eip712,
      currency: "usd",
      mainnet: false,
    };
    mkdirSync(join(cwd, "etc"));
    writeFileSync(join(cwd, "etc", "tokens.json"), JSON.stringify([entry]));
    writeFileSync(join(cwd, "etc", "wrong.json"), JSON.stringify([{ ...entry, decimals: 18 }]));
    const asked = [
      "wallet",
      "import",
      "--wallet",
      "mine",
      "--key-file",
      "hex",
      "--plain",
      "--network",
      "my-net",
    ];
    const usage = { code: 2, out: { error: { code: "USAGE" } } };
    expect(await run(...asked)).toMatchObject(usage);
    expect(await run(...asked, "--assets", "etc/wrong.json")).toMatchObject(usage);
    expect(await run(...asked, "--assets", "etc/tokens.json")).toMatchObject({ code: 0 });
    expect(await start("wallet", "status", "--wallet", "mine")).toMatchObject({
      code: 0,
      out: { network: "eip155:84532", balance: "0.00" },
    });
  },
);

test(
  "a withdrawal goes to the address once, leaves what is open, and is in the book",
  { timeout },
  async () => {
    using desk = openDesk();
    const { run, cwd, key, address } = desk;
    writeFileSync(join(cwd, "hex"), key, { mode: 0o600 });
    const mine = ["--wallet", "mine"];
    await run(
      "wallet",
      "import",
      ...mine,
      "--network",
      "base-sepolia",
      "--key-file",
      "hex",
      "--plain",
    );
    await market.chain.local.fund(address, { usdc: 1_000_000n });
    const home = `0x${"ab".repeat(20)}` as const;
    const withdraw = (amount: string, ...more: string[]) =>
      run(
        "wallet",
        "withdraw",
        home,
        amount,
        ...mine,
        ...more,
        "--facilitator",
        market.facilitator.url,
      );
    const usage = { code: 2, out: { error: { code: "USAGE" } } };
    expect(await withdraw("0.40")).toMatchObject(usage);
    expect(await withdraw("1.01", "--yes")).toMatchObject(usage);
    const sent = { code: 0, out: { passed: true, state: "settled", amount: "0.40" } };
    expect(await withdraw("0.40", "--yes", "--key", "w1")).toMatchObject(sent);
    expect(await withdraw("0.40", "--yes", "--key", "w1")).toMatchObject(sent);
    expect(await market.chain.chain.balanceOf(home)).toBe(400_000n);
    expect(await run("wallet", "reconcile", ...mine)).toMatchObject({
      code: 0,
      out: { passed: true, settled: 1, unexplained: [] },
    });
  },
);

test(
  "a restored wallet pays nothing until what was sent since the backup is in its book",
  { timeout },
  async () => {
    using desk = openDesk();
    const { run, cwd, key, address } = desk;
    writeFileSync(join(cwd, "hex"), key, { mode: 0o600 });
    const asked = ["wallet", "import", ...WITH, "--network", "base-sepolia", "--key-file", "hex"];
    await run(...asked, "--plain");
    await market.chain.local.fund(address, { usdc: 1_000_000n });
    await using shop = await openShop({ facilitatorUrl: market.facilitator.url });
    const pass = WITH.slice(2);
    const buy = (wallet: string, item: string) => {
      const [header, line, data] = ORDER as [string, string, string];
      const order = [header, line, data, `{"item":"${item}"}`, "--max", "0.01"];
      return run("pay", `${shop.url}/shop/items`, "--wallet", wallet, "--local", ...order);
    };
    expect((await buy("mine", "before")).code).toBe(0);
    expect(await run("wallet", "backup", "mine.age", ...WITH)).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, "mine.age"), "utf8")).not.toContain(key.slice(2));
    expect((await buy("mine", "after")).code).toBe(0);

    const usage = { code: 2, out: { error: { code: "USAGE" } } };
    expect(await run("wallet", "restore", "mine.age", ...WITH)).toMatchObject(usage);
    const restore = ["wallet", "restore", "mine.age", "--wallet", "again", ...pass];
    expect(await run(...restore)).toMatchObject({ code: 0 });
    const refused = { code: 2, out: { error: { code: "WALLET_RESTORED" } } };
    expect(await buy("again", "more")).toMatchObject(refused);
    const { asset, rpcUrl } = market.chain;
    const opened = openWalletFolder({ folder: join(cwd, "again"), rpcUrl, asset, limits: {} });
    await expect(opened).rejects.toMatchObject({ code: "WALLET_RESTORED" });
    {
      // What was found counts under the provider's own cap: the book had paid that address before.
      const folder = join(cwd, "again");
      const looked = { folder, rpcUrl, asset, limits: {}, restored: true };
      await run("wallet", "reconcile", "--wallet", "again");
      await using joined = await openWalletFolder(looked);
      const [cap = ""] = await joined.ledger.providerCaps(shop.payTo);
      expect(await joined.ledger.spent({ name: cap, perMonth: true })).toEqual({
        settled: 20_000n,
        reserved: 0n,
      });
    }
    const early = await run("wallet", "reconcile", "--wallet", "again");
    expect(early).toMatchObject({ code: 1, out: { settled: 2, unexplained: [], missing: 0 } });
    expect(await buy("again", "more")).toMatchObject(refused);
    await market.chain.advance(600);
    expect(await run("wallet", "reconcile", "--wallet", "again")).toMatchObject({
      code: 0,
      out: { passed: true, settled: 2 },
    });
    expect(shop.events.filter((event) => event.startsWith("settled"))).toHaveLength(2);
    expect(await run("wallet", "verify", "--wallet", "again")).toMatchObject({ code: 0 });
  },
);

test.each([
  [840, "840 s ahead of"],
  [-61, "61 s behind"],
])("a clock that is %i s from the chain's is told of by `wallet status`", (ahead, words) => {
  expect(clockLines(ahead)).toEqual([expect.stringContaining(words)]);
});

test.each([60, 0, -60])("a clock that is %i s from the chain's is not worth a word", (ahead) => {
  expect(clockLines(ahead)).toEqual([]);
});
