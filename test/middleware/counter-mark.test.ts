/** A wallet whose signer's counter is not the newest, or whose book is not: what is refused, and what goes on. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import type { Chain } from "../../chain/index.ts";
import { accountSigner, Wallet } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, readOffer, Secret } from "../../protocol/index.ts";
import { openDatabase, openLedger } from "../../store/index.ts";

const PAYEE = `0x${"dd".repeat(20)}` as const;
const SCOPES = [{ name: "wallet", kind: "cap", max: 10n ** 6n, perMonth: true }] as const;
const account = privateKeyToAccount(generatePrivateKey());
const secret = (fill: number) => new Secret(new Uint8Array(32).fill(fill));
const folder = () => mkdtempSync(join(tmpdir(), "purser-counter-"));
let answer = { state: "unused" };
const chain = {
  asset: BASE_SEPOLIA_USDC,
  genesisHash: () => Promise.resolve(`0x${"11".repeat(32)}`),
  now: () => Promise.resolve(BigInt(Math.floor(Date.now() / 1000))),
  readAuthorization: () => Promise.resolve(answer),
} as unknown as Chain;

/** The wallet of a folder, as a program opens it, with the book and the counter that stand there. */
function open(at: string, { ledgerAt = at, aheadMs = 0 } = {}) {
  const ledger = openLedger({ path: join(ledgerAt, "ledger.sqlite"), bytesKey: secret(1) });
  const signer = accountSigner(account, { counterFile: join(at, "counter") });
  const now = () => Date.now() + aheadMs;
  const wallet = new Wallet({ ledger, signer, chain, nonceSecret: secret(2), now });
  const pay = (purchase: string) => {
    const url = `https://shop.example/${purchase}`;
    const { network, address: asset } = BASE_SEPOLIA_USDC;
    const terms = { scheme: "exact", network, amount: "10000", asset, payTo: PAYEE };
    const raw = { ...terms, maxTimeoutSeconds: 60 };
    const offer = readOffer({ x402Version: 2, raw, resource: url });
    const quote = {
      provider: "shop",
      service: "shop/items",
      request: { method: "GET", url, body: undefined },
      maxAmount: 10_000n,
      currency: "usd",
      payTo: [offer.payTo],
      assets: [BASE_SEPOLIA_USDC],
    } as const;
    return wallet.authorize({ purchase, quote, offer, scopes: SCOPES });
  };
  return { wallet, ledger, pay, [Symbol.dispose]: () => ledger.close() };
}

test.each([
  [
    "an older copy of the counter",
    (at: string) => copyFileSync(join(at, "old"), join(at, "counter")),
  ],
  ["a counter that was begun anew", (at: string) => rmSync(join(at, "counter"))],
])("%s is noticed: nothing is signed, until the newest is back", async (_, replace) => {
  const at = folder();
  {
    using first = open(at);
    await first.pay("a");
    copyFileSync(join(at, "counter"), join(at, "old"));
    await first.pay("b");
    await first.wallet.recover({ graceMs: 60_000 });
  }
  copyFileSync(join(at, "counter"), join(at, "newest"));
  replace(at);
  {
    using late = open(at);
    const refused = { code: "SIGNER_COUNTER_INVALID", details: { highest: "2" } };
    await expect(late.pay("c")).rejects.toMatchObject(refused);
    await expect(late.wallet.recover()).rejects.toMatchObject(refused);
    expect(await late.ledger.find("c")).toBeUndefined();
  }
  copyFileSync(join(at, "newest"), join(at, "counter"));
  using again = open(at);
  expect((await again.pay("c")).payment).toBeDefined();
});

test("what the book remembers of the counter cannot be lowered in its file", async () => {
  const at = folder();
  {
    using first = open(at);
    await first.pay("a");
    await first.wallet.recover({ graceMs: 60_000 });
  }
  {
    using db = openDatabase(join(at, "ledger.sqlite"));
    const sql = "UPDATE book SET value = replace(value, '1 ', '0 ') WHERE key LIKE 'highest %'";
    expect(db.run(sql)).toBe(1);
  }
  using late = open(at);
  await expect(late.pay("b")).rejects.toMatchObject({ code: "LEDGER_UNREADABLE" });
});

test("a counter that holds more than the book has seen is nothing wrong: a crash leaves one", async () => {
  const at = folder();
  {
    using first = open(at);
    await first.pay("a");
    await first.pay("b");
  }
  using next = open(at);
  expect((await next.pay("c")).payment).toBeDefined();
});

test("what was signed before in a time that the book has lost is not signed again until the chain has proven it dead", async () => {
  const [at, before] = [folder(), folder()];
  {
    // The book is put back as it was: it knows nothing of a payment that was signed and has left.
    using lost = open(at);
    await lost.pay("a");
  }
  const refused = { code: "SIGNER_REFUSED", details: { rule: "NONCE" } };
  using next = open(at, { ledgerAt: before, aheadMs: 5_000 });
  await expect(next.pay("a")).rejects.toMatchObject(refused);
  await expect(next.pay("a")).rejects.toMatchObject(refused);
  expect(await next.ledger.find("a")).toMatchObject({ epoch: 1, state: "unknown" });
  expect((await next.wallet.spent({ name: "wallet", perMonth: true })).reserved).toBe(10_000n);
  // Whatever window the lost one had, it is shorter than what is waited for.
  const { validBefore } = (await next.ledger.find("a")) ?? { validBefore: 0n };
  expect(validBefore).toBeGreaterThanOrEqual(BigInt(Math.floor(Date.now() / 1000)) + 120n);
  await next.wallet.recover();
  expect(await next.ledger.find("a")).toMatchObject({ epoch: 1, state: "unknown" });
  answer = { state: "expired" };
  await next.wallet.recover();
  answer = { state: "unused" };
  expect(await next.ledger.find("a")).toMatchObject({ state: "released", proof: "EXPIRED" });
  expect((await next.pay("a")).payment).toBeDefined();
  expect(await next.ledger.find("a")).toMatchObject({ epoch: 2, state: "sent" });
});
