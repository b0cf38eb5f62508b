/**
 * An authorization is an EIP-3009 permission, signed by the payer, to move an exact amount to one recipient once, inside a
 * window of time. Its typed data is built from our own table of assets, never from what a server sent. (In a file of its own,
 * which imports nothing, because the process that holds a key loads no more than it must.)
 * https://eips.ethereum.org/EIPS/eip-3009
 */
import type { Address, Hex } from "viem";
import type { Asset } from "./asset.ts";

export interface Authorization {
  readonly from: Address;
  readonly to: Address;
  /** Atomic units. */
  readonly value: bigint;
  /** Unix seconds; both bounds are exclusive on chain. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** 32 bytes. */
  readonly nonce: Hex;
}

export const TRANSFER_WITH_AUTHORIZATION = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

/** The EIP-712 message that the payer signs, in the shape that viem's `signTypedData` takes. */
export function authorizationTypedData(asset: Asset, authorization: Authorization) {
  return {
    domain: { ...asset.eip712, chainId: asset.chainId, verifyingContract: asset.address },
    types: TRANSFER_WITH_AUTHORIZATION,
    primaryType: "TransferWithAuthorization",
    message: authorization,
  } as const;
}
