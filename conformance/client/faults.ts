/** What a client can do wrong, read from the payments that were caught. */
import type { Seen } from "./scene.ts";
import { distinct, signedTotal } from "./signed-payment.ts";

type Fault = (seen: Seen) => string | undefined;

/** Signed more than once for one purchase: each signature is money. */
export const signsAgain: Fault = ({ payments }) => {
  const signed = distinct(payments);
  if (signed.length < 2) return undefined;
  return `It signed ${signed.length} different payments for one purchase (${signed.map(({ value }) => value).join(", ")}).`;
};

/** One signature, or all of them together, above what the purchase may cost. */
export const overspends: Fault = ({ payments, order: { max } }) => {
  const total = signedTotal(payments);
  if (total <= max) return undefined;
  return `It was told to pay at most ${max}, and signed for ${total}.`;
};

export const signsAtAll: Fault = ({ payments }) => {
  const [first] = payments;
  return first && `It signed a payment of ${first.value}.`;
};

export const paysStranger: Fault = ({ payments, order: { payTo } }) => {
  const stranger = payments.find(({ to }) => to !== payTo);
  return (
    stranger &&
    `It was told to pay ${payTo}, and signed a payment of ${stranger.value} to ${stranger.to}.`
  );
};

/** A payment header at somebody who has nothing to do with the purchase. */
export const paysElsewhere: Fault = ({ visits }) => {
  const leak = visits.find(
    ({ origin, paymentHeaders }) => origin === "other" && paymentHeaders.length > 0,
  );
  return leak && `It sent ${leak.paymentHeaders.join(", ")} to another origin.`;
};

export const hangs: Fault = ({ ends }) =>
  ends.every(({ ended }) => ended) ? undefined : "It did not come to an end, and was ended.";

/** The first of several. */
export const anyOf =
  (...faults: readonly Fault[]): Fault =>
  (seen) => {
    for (const fault of faults) {
      const found = fault(seen);
      if (found !== undefined) return found;
    }
    return undefined;
  };
