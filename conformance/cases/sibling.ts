/** Cases about two paid routes of one shop. */
import { type Outcome, skipped } from "../case.ts";
import type { Context } from "../context.ts";
import { askPrice, type PayableOffer } from "../pay/payment.ts";

export interface Sibling extends PayableOffer {
  readonly path: string;
}

/**
 * Runs with the other route (`--sibling`) and its own price. One that asks for none cannot be judged by: a path that is not there
 * refuses every payment, and would hide what is looked for.
 */
export const besideSibling =
  (run: (context: Context, sibling: Sibling) => Promise<Outcome>) =>
  async (context: Context): Promise<Outcome> => {
    const { sibling: path } = context.expect;
    if (path === undefined) return skipped("Give --sibling with the path of another paid route.");
    return await run(context, { ...(await askPrice(context, { path })), path });
  };
