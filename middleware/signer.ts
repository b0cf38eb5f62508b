/**
 * A signer holds the key and does one thing: it signs an EIP-3009 authorization of a token that we know. It is told what to
 * authorize, never what bytes to sign, so whoever reaches it can make it sign nothing else.
 */
import type { Address, Hex } from "viem";
import type { LocalAccount } from "viem/accounts";
import { type Asset, findAsset } from "../protocol/asset.ts";
import { type Authorization, authorizationTypedData } from "../protocol/transfer-authorization.ts";
import { PaymentError } from "./payment-error.ts";

export interface SignIntent {
  /** CAIP-2. */
  readonly network: string;
  readonly asset: Address;
  readonly authorization: Authorization;
}

export interface Signer {
  readonly address: Address;
  sign(intent: SignIntent): Promise<Hex>;
}

/** A signer in this process, for tests and for KMS-like accounts of viem's, which hold the key elsewhere. */
export function accountSigner(account: Pick<LocalAccount, "address" | "signTypedData">): Signer {
  return {
    address: account.address,
    async sign(intent) {
      const asset = assetOf(intent, account.address);
      return account.signTypedData(authorizationTypedData(asset, intent.authorization));
    },
  };
}

/** The token of an intent, from our own table; throws `SIGNER_FAILED` for another token or payer. */
export function assetOf({ network, asset, authorization }: SignIntent, address: Address): Asset {
  const known = findAsset(network, asset);
  if (known && authorization.from.toLowerCase() === address.toLowerCase()) return known;
  throw new PaymentError("SIGNER_FAILED", {
    problem: known
      ? "The signer was asked to sign for another payer."
      : "The signer was asked to sign for a token that it does not know.",
    nextStep: "Nothing was signed. This is a bug: please report it.",
  });
}
