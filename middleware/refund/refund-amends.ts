/** Making a failed sale good by a refund on the chain: the buyer's answer names both transactions. */
import { type AfterFailure, amendsAnswer, AmendsOwed } from "../paywall/amends.ts";
import type { Refund } from "./refund.ts";
import type { Refunds } from "./refunds.ts";

/** For a paywall's `afterFailure`. */
export function refundAmends({ refund }: Pick<Refunds, "refund">): AfterFailure {
  return async ({ sale, answer }) => {
    const made = await refund(sale);
    if (made.state === "settled") {
      const message = "The payment was taken, the work failed, and the money was sent back.";
      return amendsAnswer(answer, { error: "work_failed", message, refund: describe(made) });
    }
    throw new AmendsOwed({
      error: "refund_owed",
      message:
        "The payment was taken, the work failed, and the money is owed back to you. Send the same payment again to hear of it.",
      refund: describe(made),
    });
  };
}

/** `reason` is for the operator: it may say how much the refund account holds. */
function describe({ state, sale, transaction }: Refund) {
  const { payer, amount, asset } = sale;
  return {
    state: state === "settled" ? "settled" : "owed",
    ...(transaction && { transaction }),
    of: sale.transaction,
    payTo: payer,
    amount: amount.toString(),
    network: asset.network,
    asset: asset.address,
  };
}
