/** Where a facilitator may work. Real money moves only where the operator has said so. */
import type { Asset } from "../protocol/asset.ts";
import { PurserError } from "../protocol/error.ts";

export type FacilitatorErrorCode =
  | "MAINNET_NOT_ALLOWED"
  /** No EVM network's id, or one on which we know no token. */
  | "NETWORK_UNKNOWN"
  /** The token takes no EIP-3009 authorizations. */
  | "ASSET_UNSUPPORTED"
  /** Another process has this folder open. */
  | "FACILITATOR_IN_USE"
  /** It cannot listen there: the port is taken, or the address is not this machine's. */
  | "PORT_UNAVAILABLE";

export class FacilitatorError extends PurserError<FacilitatorErrorCode> {}

/** Throws `MAINNET_NOT_ALLOWED` for a network with real money that was not allowed. */
export function requireAllowed(asset: Asset, allowMainnet: boolean): void {
  if (!asset.mainnet || allowMainnet) return;
  throw new FacilitatorError("MAINNET_NOT_ALLOWED", {
    problem: `Real money moves on ${asset.networkName} (${asset.network}).`,
    nextStep:
      "Set allowMainnet (--allow-mainnet) where that is meant; otherwise give a test network's asset.",
    details: { network: asset.network },
  });
}
