/** What a wallet makes of an answer, and of a payment whose time is over, with a chain that says what a test wants. */
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import type { AuthorizationProof, Chain } from "../../chain/index.ts";
import { accountSigner, Wallet } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, readOffer, Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";

const START = Date.parse("2026-11-21T00:00:00Z");
const PAYEE = `0x${"dd".repeat(20)}` as const;
const TX = `0x${"ab".repeat(32)}` as const;
const UNUSED = { state: "unused" } as AuthorizationProof;
const EXPIRED = { state: "expired" } as AuthorizationProof;
const SETTLED = {
  state: "settled",
  transaction: TX,
  blockNumber: 1n,
  finalized: true,
} as AuthorizationProof;

/** A wallet that has sent one payment, of which the chain knows nothing yet. */
async function openSpender() {
  const state = { now: START, proof: UNUSED, asked: 0 };
  const chain = {
    asset: BASE_SEPOLIA_USDC,
    genesisHash: () => Promise.resolve(`0x${"11".repeat(32)}`),
    now: () => Promise.resolve(BigInt(START / 1000)),
    readAuthorization: () => {
      state.asked += 1;
      return Promise.resolve(state.proof);
    },
  } as unknown as Chain;
  const now = () => state.now;
  const secret = (fill: number) => new Secret(new Uint8Array(32).fill(fill));
  const ledger = openLedger({ path: ":memory:", bytesKey: secret(1), now });
  const signer = accountSigner(privateKeyToAccount(generatePrivateKey()));
  const wallet = new Wallet({ ledger, signer, chain, nonceSecret: secret(2), now });
  const url = "https://shop.example/a";
  const raw = {
    scheme: "exact",
    network: BASE_SEPOLIA_USDC.network,
    amount: "10000",
    asset: BASE_SEPOLIA_USDC.address,
    payTo: PAYEE,
    maxTimeoutSeconds: 60,
  };
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
  const scopes = [{ name: "wallet", kind: "cap", max: 20_000n, perMonth: true }] as const;
  const authorize = () => wallet.authorize({ purchase: "p1", quote, offer, scopes });
  const first = await authorize();
  return { state, wallet, ledger, authorize, first, [Symbol.dispose]: () => ledger.close() };
}

describe("an answer to a payment that the chain has not seen yet", () => {
  test.each<[number | null, string | undefined, string]>([
    [200, TX, "claimed"],
    [299, TX, "claimed"],
    [200, undefined, "unknown"],
    [200, "0x12", "unknown"],
    [199, TX, "unknown"],
    [300, TX, "unknown"],
    [402, TX, "unknown"],
    [500, TX, "unknown"],
    [null, TX, "unknown"],
    [null, undefined, "unknown"],
  ])("of status %j that names the transaction %s makes it %s", async (status, transaction, to) => {
    using spender = await openSpender();
    const outcome = { status, ...(transaction === undefined ? {} : { transaction }) };
    const record = await spender.wallet.report("p1", outcome);
    expect(record.state).toBe(to);
    expect((await spender.wallet.find("p1"))?.state).toBe(to);
    expect(await spender.wallet.spent({ name: "wallet", perMonth: true })).toEqual({
      settled: 0n,
      reserved: 10_000n,
    });
  });

  test("changes nothing once the chain has settled it", async () => {
    using spender = await openSpender();
    spender.state.proof = SETTLED;
    expect((await spender.wallet.report("p1", { status: null })).state).toBe("settled");
    const { asked } = spender.state;
    for (const status of [200, 500, null]) {
      expect((await spender.wallet.report("p1", { status })).state).toBe("settled");
    }
    expect(spender.state.asked).toBe(asked);
  });

  test("of a purchase that is not there is refused", async () => {
    using spender = await openSpender();
    await expect(spender.wallet.report("p2", { status: 200 })).rejects.toMatchObject({
      code: "PURCHASE_UNKNOWN",
      problem: expect.stringContaining('"p2"'),
      nextStep: expect.stringMatching(/\w/),
    });
  });
});

describe("the same purchase again", () => {
  const end = async ({ ledger }: Awaited<ReturnType<typeof openSpender>>) =>
    Number((await ledger.find("p1"))!.validBefore) * 1000;

  test("inside its time is the same bytes, and the chain is not asked", async () => {
    using spender = await openSpender();
    spender.state.proof = EXPIRED;
    spender.state.now = await end(spender);
    expect((await spender.authorize()).payment).toEqual(spender.first.payment);
    expect(spender.state.asked).toBe(0);
  });

  test("after its time, proven dead, is a payment of its own, and one amount counts", async () => {
    using spender = await openSpender();
    spender.state.proof = EXPIRED;
    spender.state.now = (await end(spender)) + 1;
    const second = await spender.authorize();
    expect(second.payment).toBeDefined();
    expect(second.payment).not.toEqual(spender.first.payment);
    const states = (await spender.ledger.list()).map(({ epoch, state }) => [epoch, state]);
    expect(states).toEqual([
      [1, "released"],
      [2, "sent"],
    ]);
    expect(await spender.wallet.spent({ name: "wallet", perMonth: true })).toEqual({
      settled: 0n,
      reserved: 10_000n,
    });
    // An earlier authorization that is dead is left out.
    expect((await spender.wallet.list()).map(({ id, state }) => [id, state])).toEqual([
      ["p1", "sent"],
    ]);
  });

  test.each<[string, AuthorizationProof]>([
    ["that nothing proves dead", UNUSED],
    ["that has settled", SETTLED],
  ])("after its time, %s, is the same payment", async (_, proof) => {
    using spender = await openSpender();
    spender.state.proof = proof;
    spender.state.now = (await end(spender)) + 1;
    expect((await spender.authorize()).payment).toEqual(spender.first.payment);
    expect(await spender.ledger.list()).toHaveLength(1);
    // What is settled is never asked about again.
    const { asked } = spender.state;
    await spender.authorize();
    expect(spender.state.asked - asked).toBe(proof === SETTLED ? 0 : 1);
  });
});
