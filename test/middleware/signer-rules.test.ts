/** What a signer refuses by itself, whatever the wallet tells it: every rule, and the limits it was started with. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import { accountSigner, type SignIntent } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC } from "../../protocol/index.ts";
import { newIntent } from "./intents.ts";

const account = privateKeyToAccount(generatePrivateKey());
const from = account.address;
const other = `0x${"ee".repeat(20)}` as const;
const good = newIntent({ from });
const now = () => Math.floor(Date.now() / 1_000);
const withOffer = (offer: Partial<SignIntent["offer"]>): SignIntent => ({
  ...good,
  offer: { ...good.offer, ...offer },
});
const refusal = (rule: string) =>
  expect.objectContaining({ code: "SIGNER_REFUSED", details: { rule } });
const nonceOf = (index: number) => toHex(index + 1, { size: 32 });
const newFile = () => join(mkdtempSync(join(tmpdir(), "purser-counter-")), "counter");

test.each<[string, string, SignIntent]>([
  ["PAYER", "another payer's money", newIntent({ from: other })],
  ["ASSET", "another token", withOffer({ asset: other })],
  ["ASSET", "the token of another network", withOffer({ network: BASE_USDC.network })],
  ["PAYEE", "a recipient that the offer does not name", withOffer({ payTo: other })],
  [
    "PAYEE",
    "a recipient that the quote does not name",
    { ...good, quote: { ...good.quote, payTo: [other] } },
  ],
  ["AMOUNT", "another amount than the offer's", withOffer({ amount: 9_999n })],
  ["AMOUNT", "more than the quote", { ...good, quote: { ...good.quote, maxAmount: 9_999n } }],
  ["AMOUNT", "nothing", newIntent({ from, value: 0n })],
  ["WINDOW", "longer than it allows", newIntent({ from, validBefore: BigInt(now() + 300) })],
  ["CALL_LIMIT", "more than one payment may be", newIntent({ from, value: 100_000_001n })],
])("%s: it does not sign for %s", async (rule, _, intent) => {
  const signer = accountSigner(account);
  await expect(signer.sign(intent)).rejects.toThrow(refusal(rule));
  expect(signer.signed().total).toBe(0n);
  expect(await signer.sign(good)).toMatch(/^0x/);
});

test("it signs the same again without counting it twice, and the same nonce for nothing else", async () => {
  const signer = accountSigner(account);
  expect(await signer.sign(good)).toBe(await signer.sign(good));
  for (const changed of [
    newIntent({ from, value: 10_001n }),
    newIntent({ from, to: other }),
    { ...good, purchase: "pur_2" },
    { ...good, quote: { ...good.quote, fingerprint: "cd".repeat(32) } },
  ]) {
    await expect(signer.sign(changed)).rejects.toThrow(refusal("NONCE"));
  }
  expect(signer.signed().total).toBe(10_000n);
});

test("a limit of a provider leaves the others alone, and a new month opens both", async () => {
  let at = Date.UTC(2026, 10, 30, 23, 59);
  const signer = accountSigner(account, {
    limits: { maxPerProviderMonth: 10_000n },
    now: () => at,
  });
  let count = 0;
  const sign = (provider: string) =>
    signer.sign(
      newIntent({
        from,
        provider,
        nonce: nonceOf(count++),
        validBefore: BigInt(Math.floor(at / 1_000) + 60),
      }),
    );
  await sign("one");
  await expect(sign("one")).rejects.toThrow(refusal("PROVIDER_LIMIT"));
  await sign("two");
  at += 120_000;
  await sign("one");
  expect(signer.signed()).toEqual({
    month: "2026-12",
    total: 10_000n,
    providers: { one: 10_000n },
  });
  // A clock that is set back finds the month that it left, not an older one.
  at -= 120_000;
  await expect(sign("one")).rejects.toThrow(refusal("PROVIDER_LIMIT"));
});

describe("what is asked for is judged by what another signer of the file has signed", () => {
  test.each([
    ["its limit was reached", "WALLET_LIMIT", { nonce: nonceOf(9), value: 15_000n }],
    ["its nonce was signed for other terms", "NONCE", { value: 10_001n }],
  ])("%s: %s", async (_, rule, fields) => {
    const options = { limits: { maxPerMonth: 24_999n }, counterFile: newFile() };
    const [signer, another] = [accountSigner(account, options), accountSigner(account, options)];
    await another.sign(newIntent({ from, ...fields }));
    await expect(signer.sign(good)).rejects.toThrow(refusal(rule));
    expect(signer.signed()).toEqual(another.signed());
  });

  test("behind what another signer of the file has appended since, it is signed and counted once", async () => {
    const counterFile = newFile();
    const [signer, another] = [0, 1].map(() => accountSigner(account, { counterFile }));
    await another!.sign(newIntent({ from, nonce: nonceOf(9) }));
    expect(await signer!.sign(good)).toBe(await another!.sign(good));
    for (const each of [signer!, another!, accountSigner(account, { counterFile })]) {
      expect(each.signed().total).toBe(20_000n);
    }
  });
});

test("what many signers of one counter file sign together never exceeds a limit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          who: fc.nat(2),
          value: fc.bigInt({ min: 1n, max: 40n }),
          provider: fc.constantFrom("one", "two"),
        }),
        { maxLength: 30 },
      ),
      async (payments) => {
        const limits = { maxPerProviderMonth: 70n, maxPerMonth: 100n };
        const counterFile = newFile();
        const signers = [0, 1, 2].map(() => accountSigner(account, { limits, counterFile }));
        const signed = await Promise.all(
          payments.map(async ({ who, value, provider }, index) => {
            const intent = newIntent({ from, value, provider, nonce: nonceOf(index) });
            const signature = await signers[who]!.sign(intent).catch(() => undefined);
            return { provider, value: signature === undefined ? 0n : value };
          }),
        );
        const sum = (provider?: string) =>
          signed
            .filter((each) => provider === undefined || each.provider === provider)
            .reduce((total, { value }) => total + value, 0n);
        expect(sum()).toBeLessThanOrEqual(100n);
        expect(sum("one")).toBeLessThanOrEqual(70n);
        expect(sum("two")).toBeLessThanOrEqual(70n);
        expect(accountSigner(account, { counterFile }).signed().total).toBe(sum());
      },
    ),
    { numRuns: 20 },
  );
});

test("every byte of the counter counts: where one is another, nothing is signed", async () => {
  const counterFile = newFile();
  const signer = accountSigner(account, { counterFile });
  for (let index = 0; index < 3; index += 1) {
    await signer.sign(newIntent({ from, nonce: nonceOf(index) }));
  }
  const whole = readFileSync(counterFile);
  for (let at = 0; at < whole.length - 1; at += 3) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 1;
    const file = newFile();
    writeFileSync(file, changed);
    expect(() => accountSigner(account, { counterFile: file })).toThrow(
      expect.objectContaining({ code: "SIGNER_COUNTER_INVALID" }),
    );
  }
});

test("a line that is gone shows at the next one", async () => {
  const counterFile = newFile();
  const signer = accountSigner(account, { counterFile });
  for (let index = 0; index < 3; index += 1) {
    await signer.sign(newIntent({ from, nonce: nonceOf(index) }));
  }
  const lines = readFileSync(counterFile, "utf8").split("\n");
  writeFileSync(counterFile, lines.toSpliced(2, 1).join("\n"));
  expect(() => accountSigner(account, { counterFile })).toThrow(
    expect.objectContaining({ code: "SIGNER_COUNTER_INVALID" }),
  );
});

test("a line that a crash cut off is no damage: what was durable counts, and it goes on", async () => {
  const whole = newFile();
  const signer = accountSigner(account, { counterFile: whole });
  for (let index = 0; index < 2; index += 1) {
    await signer.sign(newIntent({ from, nonce: nonceOf(index) }));
  }
  const text = readFileSync(whole, "utf8");
  for (let length = 0; length < text.length; length += 5) {
    const counterFile = newFile();
    writeFileSync(counterFile, text.slice(0, length));
    const first = accountSigner(account, { counterFile });
    // A line that lacks nothing but its end is a whole one.
    const lines = text.slice(0, length + 1).split("\n").length - 2;
    await first.sign(newIntent({ from, nonce: nonceOf(9) }));
    const second = accountSigner(account, { counterFile });
    expect(second.signed().total).toBe(BigInt(Math.max(lines, 0) + 1) * 10_000n);
  }
});

test("what a power cut leaves of the last batch is no damage: whole lines count, and the rest means nothing", async () => {
  const whole = newFile();
  const signer = accountSigner(account, { counterFile: whole });
  await signer.sign(newIntent({ from, nonce: nonceOf(0) }));
  const durable = readFileSync(whole).length;
  const batch = [1, 2, 3].map((index) => newIntent({ from, nonce: nonceOf(index) }));
  await Promise.all(batch.map((intent) => signer.sign(intent)));
  const bytes = readFileSync(whole);
  for (let length = durable; length < bytes.length; length += 7) {
    // A file may have grown before what it was to hold was written.
    for (const hole of [0, 40]) {
      const counterFile = newFile();
      writeFileSync(counterFile, Buffer.concat([bytes.subarray(0, length), Buffer.alloc(hole)]));
      const lines = bytes.subarray(0, length).toString().split("\n").length - 2;
      const first = accountSigner(account, { counterFile });
      await first.sign(newIntent({ from, nonce: nonceOf(9) }));
      const { total } = accountSigner(account, { counterFile }).signed();
      const isWhole = hole === 0 && bytes[length] === 10;
      expect(total).toBe(BigInt(lines + (isWhole ? 1 : 0) + 1) * 10_000n);
    }
  }
});

test("a batch that is gone and of which a later one knows is damage: nothing is signed", async () => {
  const counterFile = newFile();
  const signer = accountSigner(account, { counterFile });
  for (let index = 0; index < 3; index += 1) {
    await signer.sign(newIntent({ from, nonce: nonceOf(index) }));
  }
  const bytes = readFileSync(counterFile);
  const second = bytes.indexOf(10, bytes.indexOf(10, bytes.indexOf(10) + 1) + 1);
  bytes.fill(0, second - 50, second);
  writeFileSync(counterFile, bytes);
  expect(() => accountSigner(account, { counterFile })).toThrow(
    expect.objectContaining({ code: "SIGNER_COUNTER_INVALID" }),
  );
});

test("a counter is of one wallet and one token", async () => {
  const counterFile = newFile();
  await accountSigner(account, { counterFile }).sign(good);
  const stranger = privateKeyToAccount(generatePrivateKey());
  for (const open of [
    () => accountSigner(stranger, { counterFile }),
    () => accountSigner(account, { counterFile, asset: BASE_USDC }),
  ]) {
    expect(open).toThrow(expect.objectContaining({ code: "SIGNER_COUNTER_INVALID" }));
  }
  expect(accountSigner(account, { counterFile, asset: BASE_SEPOLIA_USDC }).signed().total).toBe(
    10_000n,
  );
});
