/** Makes the local provider differ from its catalog as a scenario's `world.offer` and `world.describe` say. */
import { parseDecimal } from "../../protocol/index.ts";
import type { Crooked } from "../../provider/index.ts";
import type { WorldOptions } from "../format/scenario.ts";
import { PAYEES } from "./payees.ts";

/** Undefined for a provider that keeps to its catalog. */
export function crookedOptions({ offer, describe }: WorldOptions): Crooked | undefined {
  if (!offer && Object.keys(describe).length === 0) return undefined;
  const { amount, pay_to: payTo } = offer ?? {};
  return {
    ...(amount === undefined ? {} : { overcharge: () => parseDecimal(amount, 6) }),
    ...(payTo === undefined ? {} : { payTo: PAYEES[payTo] }),
    describe: (service) => describe[service],
  };
}
