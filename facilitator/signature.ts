/**
 * Whether a payer signed an authorization. The message is built from our own table of assets, never from what the seller wrote.
 * A payer with code is asked itself (ERC-1271), as the token does; for any other the key is recovered here, without a call.
 */
import {
  type Address,
  encodeFunctionData,
  type Hex,
  pad,
  parseAbi,
  type PublicClient,
  size,
} from "viem";
import type { Asset } from "../protocol/asset.ts";
import type { Authorization } from "../protocol/authorization.ts";
import { authorizationHasher } from "./authorization-hash.ts";
import type { RefusalReason } from "./refusal.ts";
import { recoverSigner, type SignatureParts } from "./recover-signer.ts";
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
  authorization: Authorization;
  signature: Hex;
  /** True where the payer is a contract. */
  isContract: boolean;
}

/** Recovered signers that are remembered: a seller verifies and then settles, and recovery is most of the work. */
const REMEMBERED = 10_000;

export class Signatures {
  readonly #options: { client: PublicClient; asset: Asset };
  readonly #hash: (authorization: Authorization) => Hex;
  /** The signer of a hash by a key, by both. What was recovered once can never become another. */
  readonly #signers = new Map<string, Address>();

  constructor(options: { client: PublicClient; asset: Asset }) {
    this.#options = options;
    this.#hash = authorizationHasher(options.asset);
  }

  /** The refusal, or undefined when the signature is good; a contract is asked each time. */
  async check({
    authorization,
    signature,
    isContract,
  }: SignedAuthorization): Promise<RefusalReason | undefined> {
    if (signature.endsWith(ERC6492_SUFFIX)) return "eip6492_factory_not_allowed";
    const { client } = this.#options;
    const hash = this.#hash(authorization);
    const { from } = authorization;
    const valid = isContract
      ? await askContract(client, from, hash, signature)
      : (await this.#recover(hash, signature)) === from;
    return valid ? undefined : "invalid_exact_evm_payload_signature";
  }

  async #recover(hash: Hex, signature: Hex): Promise<Address | undefined> {
    const key = `${hash} ${signature}`;
    const known = this.#signers.get(key);
    if (known) return known;
    const parts = splitSignature(signature);
    const signer = parts && (await recoverSigner(hash, parts));
    if (!signer) return undefined;
    const [oldest] = this.#signers.keys();
    if (this.#signers.size >= REMEMBERED && oldest !== undefined) this.#signers.delete(oldest);
    this.#signers.set(key, signer);
    return signer;
  }
}

/** A signature in parts, `v` as the token wants it; undefined for anything but 65 bytes in the low form. */
export function splitSignature(signature: Hex): SignatureParts | undefined {
  if (size(signature) !== 65) return undefined;
  const r: Hex = `0x${signature.slice(2, 66)}`;
  const s: Hex = `0x${signature.slice(66, 130)}`;
  const parity = { "00": 27, "01": 28, "1b": 27, "1c": 28 } as const;
  const v = parity[signature.slice(130).toLowerCase() as keyof typeof parity];
  return v === undefined || BigInt(s) > MAX_S ? undefined : { r, s, v };
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
