/** What the wallet tells its signer ahead, while it reserves: the very payment that it then asks for, or nothing that stays. */
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import type { Chain } from "../../chain/index.ts";
import { accountSigner, type SignIntent, Wallet } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, readOffer, Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";

const PAYEE = `0x${"dd".repeat(20)}` as const;
const secret = (fill: number) => new Secret(new Uint8Array(32).fill(fill));

function openTelling({ max = 10n ** 6n, refuses = false } = {}) {
  const account = accountSigner(privateKeyToAccount(generatePrivateKey()));
  const [told, asked, letGo]: SignIntent[][] = [[], [], []];
  const state = { refuses };
  const signer = {
    address: account.address,
    prepare(intent: SignIntent) {
      told!.push(intent);
      return () => void letGo!.push(intent);
    },
    sign(intent: SignIntent) {
      asked!.push(intent);
      return state.refuses ? Promise.reject(new Error("refused")) : account.sign(intent);
    },
  };
  const chain = {
    asset: BASE_SEPOLIA_USDC,
    genesisHash: () => Promise.resolve(`0x${"11".repeat(32)}`),
    now: () => Promise.resolve(BigInt(Math.floor(Date.now() / 1000))),
  } as unknown as Chain;
  const ledger = openLedger({ path: ":memory:", bytesKey: secret(1) });
  const wallet = new Wallet({ ledger, signer, chain, nonceSecret: secret(2) });
  const { network, address: asset } = BASE_SEPOLIA_USDC;
  const terms = { scheme: "exact", network, amount: "10000", asset, payTo: PAYEE };
  const raw = { ...terms, maxTimeoutSeconds: 60 };
  const url = "https://shop.example/a";
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
  const scopes = [{ name: "wallet", kind: "cap", max, perMonth: true }] as const;
  const pay = () => wallet.authorize({ purchase: "p1", quote, offer, scopes });
  return { pay, told, asked, letGo, state, [Symbol.dispose]: () => ledger.close() };
}

test("a new purchase is told ahead as it is asked for, to the last field", async () => {
  using telling = openTelling();
  await telling.pay();
  expect(telling.told).toHaveLength(1);
  expect(telling.told).toEqual(telling.asked);
  expect(telling.letGo).toEqual([]);
});

test("where nothing is reserved, nothing stays told", async () => {
  using telling = openTelling({ max: 9_999n });
  await expect(telling.pay()).rejects.toMatchObject({ code: "CAP_EXCEEDED" });
  expect([telling.letGo, telling.asked]).toEqual([telling.told, []]);
});

test("a purchase that is paid is not signed again, and what was told of it is let go", async () => {
  using telling = openTelling();
  const first = await telling.pay();
  expect(await telling.pay()).toEqual(first);
  expect(telling.asked).toHaveLength(1);
  expect(telling.letGo).toEqual(telling.told!.slice(1));
});

test("a purchase whose first authorization was given back is asked for under its second nonce", async () => {
  using telling = openTelling({ refuses: true });
  await expect(telling.pay()).rejects.toThrow("refused");
  telling.state.refuses = false;
  await telling.pay();
  const [first, second] = telling.asked!.map(({ authorization }) => authorization.nonce);
  expect(second).not.toBe(first);
  expect(telling.letGo).toEqual(telling.told!.slice(1));
});
