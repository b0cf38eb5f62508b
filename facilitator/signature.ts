/**
 * Whether a payer signed an authorization. The message is built from our own table of assets, never from what the seller wrote.
 * A payer with code is asked itself (ERC-1271), as the token does; for any other the key is recovered here, without a call.
 */
import {
  type Address,
  encodeFunctionData,
  hashTypedData,
  type Hex,
  pad,
  parseAbi,
  type PublicClient,
  recoverAddress,
  size,
} from "viem";
import type { Asset } from "../protocol/asset.ts";
import { type Authorization, authorizationTypedData } from "../protocol/authorization.ts";
import type { RefusalReason } from "./refusal.ts";
import { isTransportError } from "./transport-error.ts";

const ERC1271 = parseAbi([
  "function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)",
]);
const ERC1271_MAGIC = "0x1626ba7e";
/** A stranger's contract may not keep the chain busy for longer. */
const CONTRACT_CHECK_GAS = 500_000n;
const ERC6492_SUFFIX = "6492".repeat(16);
/** Of the two forms of a signature, the token takes the one with the low s. */
const MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

export interface SignedAuthorization {
  client: PublicClient;
  asset: Asset;
  authorization: Authorization;
  signature: Hex;
  /** True where the payer is a contract. */
  isContract: boolean;
}

/** The refusal, or undefined when the signature is good. */
export async function checkSignature({
  client,
  asset,
  authorization,
  signature,
  isContract,
}: SignedAuthorization): Promise<RefusalReason | undefined> {
  if (signature.endsWith(ERC6492_SUFFIX)) return "eip6492_factory_not_allowed";
  const hash = hashTypedData(authorizationTypedData(asset, authorization));
  const valid = isContract
    ? await askContract(client, authorization.from, hash, signature)
    : await recovers(authorization.from, hash, signature);
  return valid ? undefined : "invalid_exact_evm_payload_signature";
}

/** A signature in parts, `v` as the token wants it; undefined for anything but 65 bytes in the low form. */
export function splitSignature(signature: Hex): { r: Hex; s: Hex; v: 27 | 28 } | undefined {
  if (size(signature) !== 65) return undefined;
  const r: Hex = `0x${signature.slice(2, 66)}`;
  const s: Hex = `0x${signature.slice(66, 130)}`;
  const parity = { "00": 27, "01": 28, "1b": 27, "1c": 28 } as const;
  const v = parity[signature.slice(130).toLowerCase() as keyof typeof parity];
  return v === undefined || BigInt(s) > MAX_S ? undefined : { r, s, v };
}

async function recovers(signer: Address, hash: Hex, signature: Hex): Promise<boolean> {
  const parts = splitSignature(signature);
  if (!parts) return false;
  const { r, s, v } = parts;
  try {
    return (await recoverAddress({ hash, signature: { r, s, yParity: v - 27 } })) === signer;
  } catch {
    return false; // r or s is not of the curve.
  }
}

/** The contract's answer, judged as the token judges it; a contract that reverts says no. */
async function askContract(client: PublicClient, signer: Address, hash: Hex, signature: Hex) {
  const args = [hash, signature] as const;
  const data = encodeFunctionData({ abi: ERC1271, functionName: "isValidSignature", args });
  try {
    const answer = await client.call({ to: signer, data, gas: CONTRACT_CHECK_GAS });
    return answer.data?.startsWith(pad(ERC1271_MAGIC, { dir: "right" })) ?? false;
  } catch (error) {
    if (isTransportError(error)) throw error;
    return false;
  }
}
