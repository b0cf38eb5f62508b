/** What the wallet tells its signer ahead, while it reserves: the very payment that it then asks for, or nothing that stays. */
import { expect, test } from "vitest";
import type { SignIntent } from "../../middleware/index.ts";
import { fingerprintOf } from "../../middleware/fingerprint.ts";
import { mppNonce } from "../../protocol/index.ts";
import {
  mppOffer,
  newSigner,
  OFFER,
  openChainless,
  PAYEE,
  QUOTE,
  START,
} from "./chainless-wallet.ts";

function openTelling({ max = 10n ** 6n, refuses = false } = {}) {
  const account = newSigner();
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
  return { ...openChainless({ signer, max }), told, asked, letGo, state };
}

test("a new purchase is told ahead as it is asked for, to the last field", async () => {
  using telling = openTelling();
  await telling.pay();
  expect(telling.told).toHaveLength(1);
  expect(telling.told).toEqual(telling.asked);
  expect(telling.letGo).toEqual([]);
});

const AT = BigInt(START / 1000);
const AUTHORIZATION = {
  to: PAYEE,
  value: 10_000n,
  validAfter: AT - 600n,
  validBefore: AT + 60n,
  nonce: expect.stringMatching(/^0x[0-9a-f]{64}$/),
};
const { network, asset, payTo, amount } = OFFER;

test("the signer is given quote, offer and authorization, to hold one against the other", async () => {
  using telling = openTelling();
  await telling.pay({ quote: { ...QUOTE, maxAmount: 20_000n } });
  const fingerprint = fingerprintOf(QUOTE.request);
  expect(telling.asked).toEqual([
    {
      purchase: "p1",
      provider: "shop",
      quote: { payTo: [PAYEE], maxAmount: 20_000n, fingerprint },
      offer: { network, asset, payTo, amount },
      authorization: { ...AUTHORIZATION, from: telling.wallet.address },
    },
  ]);
});

test("an MPP challenge fixes the nonce, and its expiry the window", async () => {
  using telling = openTelling();
  const offer = mppOffer({ expires: "2026-11-21T00:00:50Z" });
  const { payment } = await telling.pay({ offer });
  expect(telling.asked![0]?.authorization).toMatchObject({
    nonce: mppNonce(offer.mpp),
    validBefore: AT + 50n,
  });
  expect(payment).toMatchObject({
    name: "Authorization",
    value: expect.stringMatching(/^Payment /),
  });
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
