/** What a wallet reserves, signs and hands out, and what it asks before: each guard by itself, without a chain to wait for. */
import { describe, expect, test } from "vitest";
import { type SignIntent, uncheckedPolicy } from "../../middleware/index.ts";
import { BASE_USDC, Secret } from "../../protocol/index.ts";
import type { Ledger, Reservation } from "../../store/index.ts";
import {
  EXPIRED,
  mppOffer,
  newSigner,
  OFFER,
  openChainless,
  PAYEE,
  QUOTE,
  secret,
  START,
} from "./chainless-wallet.ts";

const AT = BigInt(START / 1000);
const OTHER = `0x${"ee".repeat(20)}` as const;
const MAINNET = { network: BASE_USDC.network, asset: BASE_USDC.address };

/** A signer that counts, and waits where a test says so. */
function openSigner() {
  const account = newSigner();
  const asked: SignIntent[] = [];
  const state = { wait: Promise.resolve(), counted: 0 };
  const signer = {
    address: account.address,
    counted: () => Promise.resolve(state.counted),
    sign: async (intent: SignIntent) => {
      asked.push(intent);
      await state.wait;
      return account.sign(intent);
    },
  };
  return { signer, asked, state };
}

describe("nothing is reserved, nothing signed and no chain asked", () => {
  test.each<[string, string, object, object]>([
    ["an offer that pays somebody else", "OFFER_PAYEE", { offer: { ...OFFER, payTo: OTHER } }, {}],
    ["an offer above the quote", "OFFER_PRICE", { offer: { ...OFFER, amount: 10_001n } }, {}],
    [
      "real money, unless the policy allows it",
      "OFFER_MAINNET",
      { offer: { ...OFFER, ...MAINNET }, quote: { ...QUOTE, assets: [BASE_USDC] } },
      {},
    ],
    [
      "a token that this wallet does not hold",
      "OFFER_ASSET",
      { offer: { ...OFFER, ...MAINNET }, quote: { ...QUOTE, assets: [BASE_USDC] } },
      { policy: { mainnet: true } },
    ],
  ])("for %s: %s", async (_, code, order, options) => {
    const { signer, asked } = openSigner();
    using chainless = openChainless({ signer, ...options });
    await expect(chainless.pay(order)).rejects.toMatchObject({ code });
    expect(await chainless.ledger.list()).toEqual([]);
    expect([asked, chainless.saying.bound, chainless.saying.timed]).toEqual([[], 0, 0]);
  });
});

test("where offers are not checked, the signer is told to hold it against itself", async () => {
  const { signer, asked } = openSigner();
  using chainless = openChainless({ signer, policy: uncheckedPolicy });
  await chainless.pay({ offer: { ...OFFER, payTo: OTHER, amount: 11_000n } });
  expect(asked[0]?.quote).toMatchObject({ payTo: [OTHER], maxAmount: 11_000n });
});

test("the book is bound to the chain, the token and the payer, once, before anything is reserved in it", async () => {
  const bound: unknown[] = [];
  const through = (ledger: Ledger) =>
    spying(ledger, "bind", (identity) => void bound.push(identity));
  using chainless = openChainless({ through });
  await Promise.all([chainless.pay(), chainless.pay({ purchase: "p2" })]);
  await chainless.wallet.recover();
  const { network, asset } = OFFER;
  const genesis = `0x${"11".repeat(32)}`;
  const payer = chainless.wallet.address;
  expect(bound).toEqual([{ network, genesis, asset, decimals: 6, payer }]);
  expect(chainless.saying.bound).toBe(1);
});

test("while the chain does not say which it is nothing is reserved, and then it is asked again", async () => {
  using chainless = openChainless();
  const { genesis } = chainless.saying;
  chainless.saying.genesis = new Error("away");
  await expect(chainless.pay()).rejects.toThrow("away");
  await expect(chainless.wallet.recover()).rejects.toThrow("away");
  chainless.saying.genesis = genesis;
  expect((await chainless.pay()).state).toBe("sent");
});

test("a book of another chain is refused at recovery and at a payment, and nothing is signed", async () => {
  const { signer, asked } = openSigner();
  using chainless = openChainless({ signer });
  await chainless.ledger.bind({
    network: OFFER.network,
    genesis: `0x${"22".repeat(32)}`,
    asset: OFFER.asset,
    decimals: 6,
    payer: chainless.wallet.address,
  });
  await expect(chainless.wallet.recover()).rejects.toMatchObject({ code: "LEDGER_MISMATCH" });
  await expect(chainless.pay()).rejects.toMatchObject({ code: "LEDGER_MISMATCH" });
  expect(asked).toEqual([]);
});

test("a signer whose counter has gone back signs nothing, and is asked at the first payment and at each recovery", async () => {
  const { signer, asked, state } = openSigner();
  state.counted = 2;
  using chainless = openChainless({ signer });
  await chainless.pay();
  state.counted = 1;
  await expect(chainless.wallet.recover()).rejects.toMatchObject({
    code: "SIGNER_COUNTER_INVALID",
  });
  expect(asked).toHaveLength(1);
});

test("a purchase that is asked for twice at once is signed once, and both get the same bytes", async () => {
  const { signer, asked } = openSigner();
  using chainless = openChainless({ signer });
  const [first, second] = await Promise.all([chainless.pay(), chainless.pay()]);
  expect(second).toEqual(first);
  expect(asked).toHaveLength(1);
});

test("a report waits for the payment that it is about, and another purchase for neither", async () => {
  const { signer, state } = openSigner();
  using chainless = openChainless({ signer });
  const { promise, resolve } = Promise.withResolvers<void>();
  state.wait = promise;
  const paying = chainless.pay();
  const reporting = chainless.wallet.report("p1", { status: 500 });
  state.wait = Promise.resolve();
  expect((await chainless.pay({ purchase: "p2" })).state).toBe("sent");
  resolve();
  await paying;
  expect((await reporting).state).toBe("unknown");
});

describe("what is reserved", () => {
  const reserved = async (
    order: Parameters<ReturnType<typeof openChainless>["pay"]>[0] = {},
    { now = START, ...options }: Parameters<typeof openChainless>[0] & { now?: number } = {},
  ) => {
    const seen: Reservation[] = [];
    const through = (ledger: Ledger) =>
      spying(ledger, "reserve", (reservation) => void seen.push(reservation as Reservation));
    using chainless = openChainless({ ...options, through });
    chainless.saying.now = now;
    await chainless.pay(order);
    return seen[0]!;
  };

  test("is the offer's amount for the quote's provider and request, under all that was said", async () => {
    const keep = new Secret("the request");
    const rate = { name: "wallet", max: 3 };
    expect(await reserved({ keep, rate })).toMatchObject({
      purchase: "p1",
      provider: "shop",
      service: "shop/items",
      payTo: PAYEE,
      amount: 10_000n,
      scopes: [{ name: "wallet", kind: "cap", max: 20_000n, perMonth: true }],
      rate,
      request: keep,
    });
  });

  test.each<[string, number, object, bigint]>([
    ["two minutes at most", 1_000, {}, 120n],
    ["what the wallet was told at most", 1_000, { maxTimeoutSeconds: 90 }, 90n],
    ["what the server wishes", 30, { maxTimeoutSeconds: 90 }, 30n],
  ])("is good for %s", async (_, maxTimeoutSeconds, options, seconds) => {
    const offer = { ...OFFER, maxTimeoutSeconds };
    const { validAfter, validBefore } = await reserved({ offer }, options);
    expect([validAfter, validBefore]).toEqual([AT - 600n, AT + seconds]);
  });

  test("is counted in whole seconds", async () => {
    expect((await reserved({}, { now: START + 999.5 })).validBefore).toBe(AT + 60n);
  });

  test("has a nonce that the purchase, its authorization and the wallet's secret make, and nothing else", async () => {
    const nonces = await Promise.all([
      reserved(),
      reserved({ offer: { ...OFFER, amount: 9_999n } }),
      reserved({ purchase: "p2" }),
      reserved({}, { nonceSecret: secret(3) }),
    ]);
    const [first, same, ...others] = nonces.map(({ nonceOf }) => nonceOf(1));
    expect(first).toMatch(/^0x[0-9a-f]{64}$/);
    expect(same).toBe(first);
    expect(new Set([first, nonces[0]?.nonceOf(2), ...others]).size).toBe(4);
  });
});

test("in MPP a purchase has the challenge's nonce, and another challenge is no second payment", async () => {
  const { signer, asked } = openSigner();
  using chainless = openChainless({ signer });
  const first = await chainless.pay({ offer: mppOffer() });
  const again = await chainless.pay({ offer: mppOffer({ id: "c2" }) });
  expect(again.payment).toEqual(first.payment);
  expect(asked).toHaveLength(1);
});

test("how many payments were begun in a minute is the book's to say", async () => {
  using chainless = openChainless({ max: 100_000n });
  const rate = { name: "wallet", max: 2 };
  await chainless.pay({ rate });
  await chainless.pay({ rate, purchase: "p2" });
  expect(await chainless.wallet.begun("wallet")).toBe(2);
  await expect(chainless.pay({ rate, purchase: "p3" })).rejects.toMatchObject({
    code: "RATE_EXCEEDED",
  });
});

test("every purchase is listed once, oldest first, and one that is not there is not found", async () => {
  using chainless = openChainless();
  for (const purchase of ["p1", "p2"]) await chainless.pay({ purchase });
  expect((await chainless.wallet.list()).map(({ id }) => id)).toEqual(["p1", "p2"]);
  expect(await chainless.wallet.find("p2")).toMatchObject({ id: "p2", state: "sent" });
  expect(await chainless.wallet.find("p3")).toBeUndefined();
});

test("bytes that were not kept are made again, the same, for the very authorization and no other", async () => {
  using chainless = openChainless();
  Reflect.set(chainless.ledger, "keepSent", () => Promise.resolve());
  const { payment } = await chainless.pay();
  const entry = (await chainless.ledger.find("p1"))!;
  expect(entry).toMatchObject({ state: "sent", payment: undefined });
  const terms = { offer: OFFER, quote: QUOTE };
  const other = { ...entry, nonce: `0x${"99".repeat(32)}` as const };
  expect(await chainless.wallet.remake(other, terms)).toBeUndefined();
  for (const _ of ["made", "kept"]) {
    expect(await chainless.wallet.remake(entry, terms)).toMatchObject({ id: "p1", payment });
  }
  chainless.saying.proof = EXPIRED;
  await chainless.wallet.recover();
  expect(await chainless.wallet.remake(entry, terms)).toBeUndefined();
  expect(await chainless.wallet.remake({ ...entry, purchase: "p9" }, terms)).toBeUndefined();
});

test("what a dead process was signing is given back at recovery, and told; with a grace it is left", async () => {
  const { signer } = openSigner();
  using chainless = openChainless({ signer });
  Reflect.set(chainless.ledger, "markSent", () => new Promise<never>(() => undefined));
  void chainless.pay({ offer: mppOffer() });
  await expect.poll(() => chainless.ledger.listOpen()).toHaveLength(1);
  // The same book in a process of its own.
  using other = openChainless({ signer, through: () => chainless.ledger });
  expect(await other.wallet.recover({ graceMs: 60_000 })).toMatchObject([{ state: "signing" }]);
  expect(await other.wallet.recover()).toEqual([]);
  expect(other.events).toMatchObject([{ purchase: "p1", state: "released" }]);
  expect(await chainless.spent()).toEqual({ settled: 0n, reserved: 0n });
});

/** The book, with one of its commands overheard. */
function spying(ledger: Ledger, name: keyof Ledger, hear: (argument: unknown) => void): Ledger {
  return new Proxy(ledger, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (key === name) hear(args[0]);
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}
