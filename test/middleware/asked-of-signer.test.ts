/** What the wallet asks of its signer: the payment to the last field, once it is reserved, and only once. */
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

function openAsking({ max = 10n ** 6n, refuses = false } = {}) {
  const account = newSigner();
  const asked: SignIntent[] = [];
  const state = { refuses };
  const signer = {
    address: account.address,
    sign(intent: SignIntent) {
      asked.push(intent);
      return state.refuses ? Promise.reject(new Error("refused")) : account.sign(intent);
    },
  };
  return { ...openChainless({ signer, max }), asked, state };
}

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
  using asking = openAsking();
  await asking.pay({ quote: { ...QUOTE, maxAmount: 20_000n } });
  const fingerprint = fingerprintOf(QUOTE.request);
  expect(asking.asked).toEqual([
    {
      purchase: "p1",
      provider: "shop",
      quote: { payTo: [PAYEE], maxAmount: 20_000n, fingerprint },
      offer: { network, asset, payTo, amount },
      authorization: { ...AUTHORIZATION, from: asking.wallet.address },
    },
  ]);
});

test("an MPP challenge fixes the nonce, and its expiry the window", async () => {
  using asking = openAsking();
  const offer = mppOffer({ expires: "2026-11-21T00:00:50Z" });
  const { payment } = await asking.pay({ offer });
  expect(asking.asked[0]?.authorization).toMatchObject({
    nonce: mppNonce(offer.mpp),
    validBefore: AT + 50n,
  });
  expect(payment).toMatchObject({
    name: "Authorization",
    value: expect.stringMatching(/^Payment /),
  });
});

test("where nothing is reserved, nothing is asked for", async () => {
  using asking = openAsking({ max: 9_999n });
  await expect(asking.pay()).rejects.toMatchObject({ code: "CAP_EXCEEDED" });
  expect(asking.asked).toEqual([]);
});

test("a purchase that is paid is not signed again", async () => {
  using asking = openAsking();
  const first = await asking.pay();
  expect(await asking.pay()).toEqual(first);
  expect(asking.asked).toHaveLength(1);
});

test("a purchase whose first authorization was given back is asked for under its second nonce", async () => {
  using asking = openAsking({ refuses: true });
  await expect(asking.pay()).rejects.toThrow("refused");
  asking.state.refuses = false;
  await asking.pay();
  const [first, second] = asking.asked.map(({ authorization }) => authorization.nonce);
  expect(second).not.toBe(first);
});
