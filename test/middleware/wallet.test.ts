/** The capped wallet by itself: what it signs, what it remembers, and what a crash at any point leaves of it. */
import { recoverTypedDataAddress } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TOKEN_ABI } from "../../chain/index.ts";
import { type Quote, type Signer, Wallet } from "../../middleware/index.ts";
import {
  authorizationTypedData,
  BASE_SEPOLIA_USDC,
  decodeJson,
  readExactPayload,
  type Offer,
  Secret,
} from "../../protocol/index.ts";
import { type Ledger, openLedger } from "../../store/index.ts";
import { newLedgerPath } from "../store/ledger-world.ts";
import { openTestChain, sendCall, sign, type TestChain, transferCall } from "../support/chain.ts";
import { mppOffer, QUOTE } from "./chainless-wallet.ts";
import { type Buyer, openBuyer, SCOPES, spentBy, patientSigner } from "./buyer.ts";

let chain: TestChain;
beforeAll(async () => {
  chain = await openTestChain();
});
afterAll(() => chain[Symbol.asyncDispose]());

const payTo = `0x${"dd".repeat(20)}` as const;
const quote: Quote = {
  provider: "shop",
  service: "shop/items",
  request: { method: "POST", url: "http://shop.example/items", body: '{"item":"a"}' },
  maxAmount: 10_000n,
  currency: "usd",
  payTo: [payTo],
  assets: [BASE_SEPOLIA_USDC],
};
const raw = { scheme: "exact", network: "base-sepolia" };
const offer: Offer = {
  x402Version: 1,
  scheme: "exact",
  network: BASE_SEPOLIA_USDC.network,
  amount: 10_000n,
  asset: BASE_SEPOLIA_USDC.address,
  payTo,
  maxTimeoutSeconds: 60,
  resource: quote.request.url,
  raw,
};
const order = { purchase: "pur_1", quote, offer, scopes: SCOPES };
/** The seller's challenge goes into its bytes, so it is signed before it is recorded as sent. */
const mppOrder = { ...order, quote: QUOTE, offer: mppOffer() };
const coded = (code: string) => expect.objectContaining({ code });

function payloadOf(record: { payment?: { value: string } | undefined }) {
  return readExactPayload((decodeJson(record.payment!.value) as { payload: unknown }).payload)!;
}

test("what is signed is the quote's payee and the offer's amount, in our table's token, by this wallet", async () => {
  using buyer = await openBuyer(chain);
  const { address } = buyer.account;
  const record = await buyer.wallet.authorize(order);
  const { authorization, signature } = payloadOf(record);
  expect(authorization).toMatchObject({ from: address, to: payTo, value: 10_000n });
  const typed = authorizationTypedData(BASE_SEPOLIA_USDC, authorization);
  const signer = await recoverTypedDataAddress({ ...typed, signature: signature });
  expect(signer).toBe(address);
});

test.each([
  [60, 60n],
  [1_000_000_000, 120n],
])(
  "a server that allows %i seconds gets an authorization of %i, past the later of clock and chain",
  async (asked, given) => {
    const now = Date.now() + 1_000_000;
    using buyer = await openBuyer(chain, { now: () => now });
    const record = await buyer.wallet.authorize({
      ...order,
      offer: { ...offer, maxTimeoutSeconds: asked },
    });
    const { validAfter, validBefore } = payloadOf(record).authorization;
    expect(validBefore).toBe(BigInt(Math.floor(now / 1000)) + given);
    expect(validAfter < (await chain.chain.now())).toBe(true);
  },
);

test("a clock of ours that is set while the chain's is known makes no payment usable for longer", async () => {
  let now = Number(await chain.chain.now()) * 1000 - 50_000;
  using buyer = await openBuyer(chain, { now: () => now });
  await buyer.wallet.authorize(order);
  now += 40_000;
  const record = await buyer.wallet.authorize({ ...order, purchase: "pur_2" });
  const { validBefore } = payloadOf(record).authorization;
  expect(validBefore - (await chain.chain.now())).toBeLessThanOrEqual(62n);
});

test("asked twice, at once or later, by v1 or v2, the wallet hands out the same bytes and signs once", async () => {
  const account = await chain.newPayer(1_000_000n);
  let signatures = 0;
  const inner = patientSigner(account);
  const signer: Signer = { ...inner, sign: (intent) => ((signatures += 1), inner.sign(intent)) };
  using buyer = await openBuyer(chain, { account, signer });
  const records = await Promise.all(
    [1, 2, 1].map((version) =>
      buyer.wallet.authorize({ ...order, offer: { ...offer, x402Version: version as 1 | 2 } }),
    ),
  );
  records.push(await buyer.wallet.authorize(order));
  expect(new Set(records.map(({ payment }) => payment?.value)).size).toBe(1);
  expect(signatures).toBe(1);
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 10_000n });
});

test.each([
  ["another body", { quote: { ...quote, request: { ...quote.request, body: '{"item":"b"}' } } }],
  [
    "another URL",
    {
      quote: { ...quote, request: { ...quote.request, url: "http://shop.example/items?x" } },
      offer: { ...offer, resource: "http://shop.example/items" },
    },
  ],
  ["a lower price", { offer: { ...offer, amount: 9_999n } }],
  [
    "another payee",
    {
      quote: { ...quote, payTo: [`0x${"ee".repeat(20)}`] },
      offer: { ...offer, payTo: `0x${"ee".repeat(20)}` },
    },
  ],
] as [string, object][])(
  "the same purchase with %s is a conflict, and nothing is signed",
  async (_, change) => {
    using buyer = await openBuyer(chain);
    await buyer.wallet.authorize(order);
    await expect(buyer.wallet.authorize({ ...order, ...change })).rejects.toThrow(
      coded("PURCHASE_CONFLICT"),
    );
    expect(await buyer.ledger.list()).toHaveLength(1);
  },
);

test("the nonce comes from the purchase, the secret and nothing else, so the chain itself allows one charge", async () => {
  using first = await openBuyer(chain);
  using second = await openBuyer(chain, { account: first.account });
  using third = await openBuyer(chain, {
    account: first.account,
    nonceSecret: new Secret(new Uint8Array(32).fill(9)),
  });
  const nonces = await Promise.all(
    [first, second, third].map(
      async ({ wallet }) => payloadOf(await wallet.authorize(order)).authorization.nonce,
    ),
  );
  expect(nonces[0]).toBe(nonces[1]);
  expect(nonces[0]).not.toBe(nonces[2]);
});

test("a signer that fails gives the amount back, and the purchase can be tried again", async () => {
  const account = await chain.newPayer(1_000_000n);
  const inner = patientSigner(account);
  let broken = true;
  const signer: Signer = {
    ...inner,
    sign: (intent) => (broken ? Promise.reject(new Error("no signature")) : inner.sign(intent)),
  };
  using buyer = await openBuyer(chain, { account, signer });
  await expect(buyer.wallet.authorize(order)).rejects.toThrow("no signature");
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 0n });
  broken = false;
  expect(await buyer.wallet.authorize(order)).toMatchObject({ state: "sent" });
});

test("an offer in a token that the wallet does not hold is refused", async () => {
  using buyer = await openBuyer(chain);
  const other = { ...BASE_SEPOLIA_USDC, address: `0x${"12".repeat(20)}` } as const;
  const foreign = new Wallet({
    ledger: buyer.ledger,
    signer: patientSigner(buyer.account),
    chain: { ...chain.chain, asset: other },
    nonceSecret: new Secret(new Uint8Array(32)),
  });
  await expect(foreign.authorize(order)).rejects.toThrow(coded("OFFER_ASSET"));
});

test("nothing is signed while the chain cannot be read", async () => {
  using buyer = await openBuyer(chain, {
    chain: { ...chain.chain, now: () => Promise.reject(new Error("chain away")) },
  });
  await expect(buyer.wallet.authorize(order)).rejects.toThrow("chain away");
  expect(await buyer.ledger.list()).toEqual([]);
});

test("asked again when its own clock is past the window, the wallet hands out the same bytes: a clock is no proof", async () => {
  let now = Date.now();
  using buyer = await openBuyer(chain, { now: () => now });
  const first = await buyer.wallet.authorize(order);
  now += 10_000_000;
  const again = await buyer.wallet.authorize(order);
  expect(again.payment).toEqual(first.payment);
  expect(await buyer.ledger.list()).toHaveLength(1);
});

test("a report on an unknown purchase is refused", async () => {
  using buyer = await openBuyer(chain);
  await expect(buyer.wallet.report("pur_x", { status: 200 })).rejects.toThrow(
    coded("PURCHASE_UNKNOWN"),
  );
});

test("a payment that its payer cancelled on chain is released once that is final", async () => {
  using buyer = await openBuyer(chain);
  const record = await buyer.wallet.authorize(order);
  const { nonce } = payloadOf(record).authorization;
  const { account } = buyer;
  await chain.local.fund(account.address, { ether: 10n ** 18n });
  const signature = await account.signTypedData({
    domain: {
      ...BASE_SEPOLIA_USDC.eip712,
      chainId: 84_532,
      verifyingContract: BASE_SEPOLIA_USDC.address,
    },
    types: {
      CancelAuthorization: [
        { name: "authorizer", type: "address" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "CancelAuthorization",
    message: { authorizer: account.address, nonce: nonce },
  });
  const { encodeFunctionData } = await import("viem");
  const data = encodeFunctionData({
    abi: TOKEN_ABI,
    functionName: "cancelAuthorization",
    args: [account.address, nonce, signature],
  });
  await sendCall(chain, account, { to: BASE_SEPOLIA_USDC.address, data });
  expect(await buyer.wallet.recover()).toMatchObject([{ state: "unknown" }]);
  await chain.local.mine(4);
  expect(await buyer.wallet.recover()).toEqual([]);
  expect((await buyer.ledger.list()).map(({ state, proof }) => [state, proof])).toEqual([
    ["released", "CANCELLED"],
  ]);
});

/** A ledger of a process that dies right after its nth write: nothing after it happens any more. */
function dyingAfter(ledger: Ledger, step: keyof Ledger): Ledger {
  const never = () => new Promise<never>(() => undefined);
  let dead = false;
  return new Proxy(ledger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        if (dead) return never();
        const result: unknown = await Reflect.apply(value, target, args);
        if (name !== step) return result;
        dead = true;
        return never();
      };
    },
  });
}

/** Runs a purchase in a wallet that dies after `step`, and opens the wallet again on the same book. */
async function crashAfter(
  step: keyof Ledger,
  until: (wallet: Wallet) => Promise<unknown>,
): Promise<Buyer> {
  const path = newLedgerPath();
  const account = await chain.newPayer(1_000_000n);
  const ledger = openLedger({ path, bytesKey: new Secret(new Uint8Array(32).fill(1)) });
  const wallet = new Wallet({
    ledger: dyingAfter(ledger, step),
    signer: patientSigner(account),
    chain: chain.chain,
    nonceSecret: new Secret(new Uint8Array(32).fill(2)),
  });
  const died = Promise.withResolvers<void>();
  const watched = Reflect.get(ledger, step) as (...args: unknown[]) => Promise<unknown>;
  Reflect.set(ledger, step, async (...args: unknown[]) => {
    const result = await Reflect.apply(watched, ledger, args);
    setImmediate(() => died.resolve());
    return result;
  });
  await Promise.race([until(wallet), died.promise]);
  await died.promise;
  ledger.close();
  return openBuyer(chain, { path, account });
}

const settleOnChain = async (buyer: Buyer) => {
  const entry = await buyer.ledger.find("pur_1");
  const { payTo: to, amount: value, validAfter, validBefore, nonce } = entry!;
  const from = buyer.account.address;
  const authorization = { from, to, value, validAfter, validBefore, nonce };
  const relayer = await chain.newPayer(0n, 10n ** 18n);
  const signature = await sign(buyer.account, BASE_SEPOLIA_USDC, authorization);
  const data = transferCall(authorization, signature);
  await sendCall(chain, relayer, { to: BASE_SEPOLIA_USDC.address, data });
};

test("C1, C2, C3, in MPP: dead before it is sent: nothing can have left, so it is given back and can be bought", async () => {
  using buyer = await crashAfter("reserve", (wallet) => wallet.authorize(mppOrder));
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 10_000n });
  expect(await buyer.wallet.recover()).toEqual([]);
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 0n });
  const again = { ...mppOrder, offer: mppOffer({ id: "c2" }) };
  expect(await buyer.wallet.authorize(again)).toMatchObject({ state: "sent" });
});

test("C11: a clock that was set back keeps no reservation from being given back", async () => {
  const account = await chain.newPayer(0n);
  const bookNow = () => Date.now() + 3_600_000;
  using buyer = await openBuyer(chain, { account, bookNow });
  const dying = await openBuyer(chain, { account, ledger: dyingAfter(buyer.ledger, "reserve") });
  void dying.wallet.authorize(mppOrder);
  await expect.poll(() => buyer.ledger.list()).toMatchObject([{ state: "signing" }]);
  using next = await openBuyer(chain, { ledger: buyer.ledger, account });
  expect(await next.wallet.recover()).toEqual([]);
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 0n });
});

test("with a grace, another process that signs just now keeps its reservation, and what it sent stays as it is", async () => {
  using buyer = await openBuyer(chain);
  const { account, ledger } = buyer;
  const signing = await openBuyer(chain, { account, ledger: dyingAfter(ledger, "reserve") });
  void signing.wallet.authorize({ ...mppOrder, purchase: "pur_2" });
  await expect.poll(() => ledger.list()).toHaveLength(1);
  await buyer.wallet.authorize(order);
  const open = await buyer.wallet.recover({ graceMs: 30_000 });
  expect(open.map(({ id, state }) => `${id} ${state}`).toSorted()).toEqual([
    "pur_1 sent",
    "pur_2 signing",
  ]);
});

test.each([
  ["C4, C5, C6", "keepSent"],
  // Its bytes may have left, and the book has none: they are made again.
  ["C3, C4, C5, C6", "synced"],
  ["C1, C2", "reserve"],
] as const)(
  "%s: dead after %s: it stays counted, and the same bytes are handed out",
  async (_, step) => {
    using buyer = await crashAfter(step, (wallet) => wallet.authorize(order));
    const [open] = await buyer.wallet.recover();
    expect(open).toMatchObject({ id: "pur_1", state: "unknown" });
    const { nonce, payment } = (await buyer.ledger.find("pur_1"))!;
    const { authorization, signature } = payloadOf(await buyer.wallet.authorize(order));
    expect(authorization.nonce).toBe(nonce);
    const { account } = buyer;
    expect(signature).toBe(await sign(account, BASE_SEPOLIA_USDC, authorization as never));
    const kept = await buyer.wallet.find("pur_1");
    expect(kept?.payment).toEqual(payment?.reveal() ?? expect.anything());
    expect(await buyer.wallet.authorize(order)).toMatchObject({ payment: kept?.payment });
    expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 10_000n });
  },
);

test("C3: dead while the signer works: it counts, as if it had left, until the chain has proven it dead", async () => {
  using buyer = await openBuyer(chain);
  const { account, ledger } = buyer;
  const deaf = { address: account.address, sign: () => new Promise<never>(() => undefined) };
  const dying = await openBuyer(chain, { account, ledger, signer: deaf });
  void dying.wallet.authorize(order);
  await expect.poll(() => ledger.list()).toMatchObject([{ state: "sent", payment: undefined }]);
  await expect(buyer.wallet.authorize(order)).rejects.toEqual(coded("PURCHASE_IN_PROGRESS"));
  await chain.advance(300);
  expect(await buyer.wallet.recover()).toEqual([]);
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 0n });
});

test.each([
  ["C6", "synced"],
  ["C6", "keepSent"],
  ["C7", "markUnknown"],
] as const)(
  "%s: dead after %s, and the money moved: it is settled, once, with its transaction",
  async (_, step) => {
    using buyer = await crashAfter(step, async (wallet) => {
      await wallet.authorize(order);
      await wallet.report("pur_1", { status: null });
    });
    await settleOnChain(buyer);
    expect(await buyer.wallet.recover()).toEqual([]);
    expect(await spentBy(buyer)).toEqual({ settled: 10_000n, reserved: 0n });
    const record = await buyer.wallet.find("pur_1");
    expect(record).toMatchObject({ state: "settled", transaction: expect.stringMatching(/^0x/) });
    expect((await buyer.wallet.authorize(order)).payment).toBeDefined();
    expect(await buyer.wallet.recover()).toEqual([]);
  },
);

test("C8: dead after a claim: the chain decides, whatever the server said", async () => {
  const transaction = `0x${"55".repeat(32)}`;
  using buyer = await crashAfter("markClaimed", async (wallet) => {
    await wallet.authorize(order);
    await wallet.report("pur_1", { status: 200, transaction });
  });
  expect(await buyer.wallet.recover()).toMatchObject([{ state: "claimed" }]);
  await chain.advance(300);
  expect(await buyer.wallet.recover()).toEqual([]);
  expect(await spentBy(buyer)).toEqual({ settled: 0n, reserved: 0n });
});

test("C9: two wallets that recover one book at once settle each payment once", async () => {
  const path = newLedgerPath();
  using first = await openBuyer(chain, { path });
  await first.wallet.authorize(order);
  await settleOnChain(first);
  using second = await openBuyer(chain, { path, account: first.account });
  await Promise.all([first.wallet.recover(), second.wallet.recover()]);
  const settled = (await first.ledger.journal()).filter(({ to }) => to === "settled");
  expect(settled).toHaveLength(1);
});

test("a report on what another process has brought further says where it stands, and books nothing twice", async () => {
  const path = newLedgerPath();
  using first = await openBuyer(chain, { path });
  using second = await openBuyer(chain, { path, account: first.account });
  await first.wallet.authorize(order);
  const transaction = `0x${"55".repeat(32)}`;
  await second.wallet.report("pur_1", { status: 200, transaction });
  const claimed = await first.wallet.report("pur_1", { status: null });
  expect(claimed).toMatchObject({ state: "claimed", transaction });
  await settleOnChain(first);
  await second.wallet.recover();
  const settled = await first.wallet.report("pur_1", { status: 200 });
  expect(settled).toMatchObject({ state: "settled" });
  const states = (await first.ledger.journal()).map(({ to }) => to);
  expect(states).toEqual(["sent", "claimed", "settled"]);
});

test("two wallets on one book, fifty purchases at once, a cap for ten: exactly ten are authorized", async () => {
  const path = newLedgerPath();
  using first = await openBuyer(chain, { path });
  using second = await openBuyer(chain, { path, account: first.account });
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) =>
      (index % 2 ? first : second).wallet.authorize({ ...order, purchase: `pur_${index}` }),
    ),
  );
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
  expect(await spentBy(first)).toEqual({ settled: 0n, reserved: 100_000n });
});

test("two wallets on one book that want the same purchase: one authorization, whoever gets it", async () => {
  const path = newLedgerPath();
  using first = await openBuyer(chain, { path });
  using second = await openBuyer(chain, { path, account: first.account });
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => (index % 2 ? first : second).wallet.authorize(order)),
  );
  const bytes = results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value.payment?.value] : [],
  );
  expect(new Set(bytes).size).toBe(1);
  expect(await spentBy(first)).toEqual({ settled: 0n, reserved: 10_000n });
});

test("no secret and no signature is in the trace, nor in an error", async () => {
  using buyer = await openBuyer(chain);
  const record = await buyer.wallet.authorize(order);
  const error = await buyer.wallet
    .authorize({ ...order, offer: { ...offer, amount: 1n } })
    .then(() => "", String);
  const { signature } = payloadOf(record);
  const said = JSON.stringify(buyer.events) + error;
  expect(said).not.toContain(signature.slice(2, 40));
  expect(said).not.toContain(record.payment!.value.slice(0, 40));
});
