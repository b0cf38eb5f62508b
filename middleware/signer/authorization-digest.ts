/**
 * The 32 bytes that the signature of an EIP-3009 authorization is over (EIP-712), made directly: the token's domain is hashed
 * once, and the message is six fields of one word each. A property holds it against viem's, which takes five times as long.
 */
import type { Hex } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import { keccak256 } from "../../protocol/keccak.ts";
import {
  type Authorization,
  TRANSFER_WITH_AUTHORIZATION,
} from "../../protocol/transfer-authorization.ts";

const FIELDS = TRANSFER_WITH_AUTHORIZATION.TransferWithAuthorization;
const MESSAGE_TYPE = hashText(
  `TransferWithAuthorization(${FIELDS.map(({ name, type }) => `${type} ${name}`).join(",")})`,
);
const DOMAIN_TYPE = hashText(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);
const domains = new WeakMap<Asset, string>();

export function authorizationDigest(asset: Asset, authorization: Authorization): Uint8Array {
  const words = FIELDS.map(({ name }) => word(authorization[name]));
  const message = hashWords([MESSAGE_TYPE, ...words]);
  return Buffer.from(
    keccak256(Buffer.from(`1901${domainOf(asset)}${message}`, "hex")).slice(2),
    "hex",
  );
}

function domainOf(asset: Asset): string {
  let domain = domains.get(asset);
  if (domain === undefined) {
    const { name, version } = asset.eip712;
    const fields = [hashText(name), hashText(version)];
    const where = [word(BigInt(asset.chainId)), word(asset.address)];
    domains.set(asset, (domain = hashWords([DOMAIN_TYPE, ...fields, ...where])));
  }
  return domain;
}

/** A number, an address or 32 bytes as 64 hex digits. */
function word(value: bigint | Hex): string {
  const digits = typeof value === "bigint" ? value.toString(16) : value.slice(2);
  return digits.padStart(64, "0");
}

function hashText(text: string): string {
  return keccak256(Buffer.from(text)).slice(2);
}

function hashWords(words: readonly string[]): string {
  return keccak256(Buffer.from(words.join(""), "hex")).slice(2);
}
