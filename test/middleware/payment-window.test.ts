/** When a payment may be settled: as short as server, wallet and challenge allow, by the clock that is least favourable to us. */
import { expect, test } from "vitest";
import { paymentWindow } from "../../middleware/payment-window.ts";
import { mppOffer, OFFER, START } from "./chainless-wallet.ts";

const AT = BigInt(START / 1000);

test.each<[string, number, number, bigint]>([
  ["the server's wish", 60, 120, 60n],
  ["the wallet's own limit where the server wishes for more", 1_000_000, 120, 120n],
  ["the server's wish where it is the same", 120, 120, 120n],
])("it ends after %s", (_, maxTimeoutSeconds, limit, seconds) => {
  const offer = { ...OFFER, maxTimeoutSeconds };
  expect(paymentWindow({ offer, clocks: [AT, AT], maxTimeoutSeconds: limit })).toEqual({
    validAfter: AT - 600n,
    validBefore: AT + seconds,
  });
});

test.each<[string, [bigint, bigint]]>([
  ["our clock is behind the chain's", [AT - 50n, AT]],
  ["our clock is ahead of the chain's", [AT, AT - 50n]],
])("where %s, it is open by both", (_, clocks) => {
  expect(paymentWindow({ offer: OFFER, clocks, maxTimeoutSeconds: 120 })).toEqual({
    validAfter: AT - 650n,
    validBefore: AT + 60n,
  });
});

test.each([
  [601n, 1n],
  [600n, 0n],
  [599n, 0n],
])("a chain whose clock is at %i is open from %i on: there is no time before zero", (at, from) => {
  const window = paymentWindow({ offer: OFFER, clocks: [at, at], maxTimeoutSeconds: 120 });
  expect(window.validAfter).toBe(from);
});

test.each<[string, string | undefined, bigint]>([
  ["that expires sooner ends with its challenge", "2026-11-21T00:00:30Z", 30n],
  ["that expires later ends when the wallet says", "2026-11-21T00:30:00Z", 120n],
  ["that expires at the very moment ends then", "2026-11-21T00:02:00Z", 120n],
  ["that never expires ends when the wallet says", undefined, 120n],
])("in MPP an offer %s", (_, expires, seconds) => {
  const offer = mppOffer(expires === undefined ? {} : { expires });
  const { validBefore } = paymentWindow({ offer, clocks: [AT, AT], maxTimeoutSeconds: 120 });
  expect(validBefore).toBe(AT + seconds);
});

test("in MPP too the clock that is ahead counts: a challenge that is over by the chain's is no window", () => {
  const offer = { ...mppOffer({ expires: "2026-11-21T00:01:00Z" }), maxTimeoutSeconds: 90 };
  expect(
    paymentWindow({ offer, clocks: [AT, AT + 100n], maxTimeoutSeconds: 120 }).validBefore,
  ).toBe(AT + 60n);
});
