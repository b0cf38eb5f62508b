/**
 * CROOKED MEANS CROOKED: a provider with these options really cheats its buyers. It exists so that attack scenarios can show
 * that a buyer's checks hold; never set it elsewhere. A provider is honest when the option is absent.
 */
import type { Address } from "viem";

export interface Crooked {
  /** Asks for (and would take) another amount than the catalog's price; both in atomic units. */
  overcharge?: ((amount: bigint) => bigint) | undefined;
  /** Asks for (and would take) the payment to somebody whom the profile does not name. */
  payTo?: Address | undefined;
  /** Puts another text in the place of a service's description, such as an order to the agent; undefined leaves it. */
  describe?: ((service: string) => string | undefined) | undefined;
}
