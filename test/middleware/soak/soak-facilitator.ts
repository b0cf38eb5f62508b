/** A facilitator in the seller's process that fails at random: it errs, hangs, refuses to say, or settles and loses the answer. */
import { createFacilitator } from "../../../facilitator/index.ts";
import type { PaywallFacilitator } from "../../../middleware/index.ts";
import type { TestChain } from "../../support/chain.ts";
import type { Random } from "../../support/random.ts";

export interface SoakFacilitator extends PaywallFacilitator {
  /** From now on it does not fail any more. */
  calm: boolean;
  /** How often it failed how. */
  readonly faults: Record<string, number>;
  close(): void;
}

/** Of a thousand calls, how many fail in each way. */
const SETTLE_FAULTS = { "lose-answer": 15, "say-pending": 10, drop: 10, hang: 2, page: 5 } as const;
const VERIFY_FAULTS = { drop: 10, hang: 1, page: 5 } as const;

export async function openSoakFacilitator(
  chain: TestChain,
  random: Random,
): Promise<SoakFacilitator> {
  const account = await chain.newPayer(0n, 10n ** 21n);
  const inner = createFacilitator({ rpcUrl: chain.rpcUrl, account });
  const faults: Record<string, number> = {};
  const roll = (table: Readonly<Record<string, number>>): string | undefined => {
    let left = random.below(1_000);
    const fault = Object.entries(table).find(([, share]) => (left -= share) < 0)?.[0];
    if (self.calm || fault === undefined) return undefined;
    faults[fault] = (faults[fault] ?? 0) + 1;
    return fault;
  };
  const self: SoakFacilitator = {
    calm: false,
    faults,
    close: () => inner.close(),
    async verify(payload, requirements) {
      const fault = roll(VERIFY_FAULTS);
      if (fault === "drop") throw new Error("socket hang up");
      if (fault === "hang") return new Promise(() => undefined);
      if (fault === "page") return "<!DOCTYPE html>";
      return inner.verify(payload, requirements);
    },
    async settle(payload, requirements) {
      const fault = roll(SETTLE_FAULTS);
      if (fault === "drop") throw new Error("socket hang up");
      const answer = await inner.settle(payload, requirements);
      if (fault === "lose-answer") throw new Error("socket hang up");
      if (fault === "hang") return new Promise(() => undefined);
      if (fault === "page") return "<!DOCTYPE html>";
      if (fault === "say-pending") {
        return { ...answer, success: false, errorReason: "settlement_pending" };
      }
      return answer;
    },
  };
  return self;
}
