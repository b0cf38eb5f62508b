/** Making a failed sale good by a credit, which the same payer's next purchase here is paid from. */
import { type AfterFailure, amendsAnswer } from "../paywall/amends.ts";
import type { Credits } from "./credits.ts";

/** For a paywall's `afterFailure`. */
export function creditAmends(credits: Pick<Credits, "grant" | "balance">): AfterFailure {
  return async ({ sale, answer }) => {
    credits.grant(sale);
    const { payer, amount, asset, transaction } = sale;
    return amendsAnswer(answer, {
      error: "work_failed",
      message:
        "The payment was taken, the work failed, and the amount is kept as your credit: your next purchase here that it covers is paid from it.",
      credit: {
        amount: amount.toString(),
        of: transaction,
        balance: credits.balance(payer, asset).toString(),
        network: asset.network,
        asset: asset.address,
      },
    });
  };
}
