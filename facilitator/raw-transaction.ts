/**
 * A transaction of type 2 (EIP-1559) as the bytes that are signed and sent. A batch's call is some fifty kilobytes, which viem turns
 * from text to bytes and back several times; here it is done once. Tests hold the bytes against viem's.
 */
import { type Address, type Hex, type LocalAccount, parseSignature } from "viem";
import { keccak256 } from "../protocol/keccak.ts";
import type { Fees } from "./fees.ts";

export interface TransactionFields {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
  readonly fees: Fees;
}

export interface SignedTransaction {
  readonly serialized: Hex;
  readonly hash: Hex;
}

/** Signs it; an account that signs no bare hash (one in a hardware device, say) is given the transaction as viem has it. */
export async function signTransaction(
  account: LocalAccount,
  fields: TransactionFields,
): Promise<SignedTransaction> {
  if (!account.sign) {
    const { fees, ...call } = fields;
    const serialized = await account.signTransaction({ type: "eip1559", ...call, ...fees });
    return { serialized, hash: keccak256(Buffer.from(serialized.slice(2), "hex")) };
  }
  const parts = encodeFields(fields);
  const signature = await account.sign({ hash: keccak256(envelope(parts)) });
  const { r, s, yParity } = parseSignature(signature);
  const signed = [...parts, integer(BigInt(yParity)), integer(BigInt(r)), integer(BigInt(s))];
  const bytes = envelope(signed);
  return { serialized: `0x${bytes.toString("hex")}`, hash: keccak256(bytes) };
}

function encodeFields({ chainId, nonce, to, data, gas, fees }: TransactionFields): Buffer[] {
  return [
    integer(BigInt(chainId)),
    integer(BigInt(nonce)),
    integer(fees.maxPriorityFeePerGas),
    integer(fees.maxFeePerGas),
    integer(gas),
    item(Buffer.from(to.slice(2), "hex")),
    integer(0n),
    item(Buffer.from(data.slice(2), "hex")),
    // No access list.
    Buffer.from([0xc0]),
  ];
}

/** The type, and the fields as a list (RLP). */
function envelope(parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([0x02]), prefix(0xc0, length), ...parts]);
}

/** RLP: a single small byte stands for itself, all else follows its length. */
function item(bytes: Buffer): Buffer {
  const isItself = bytes.length === 1 && bytes[0]! < 0x80;
  return isItself ? bytes : Buffer.concat([prefix(0x80, bytes.length), bytes]);
}

function integer(value: bigint): Buffer {
  return item(value === 0n ? Buffer.alloc(0) : bigEndian(value));
}

function prefix(kind: number, length: number): Buffer {
  if (length < 56) return Buffer.from([kind + length]);
  const digits = bigEndian(BigInt(length));
  return Buffer.concat([Buffer.from([kind + 55 + digits.length]), digits]);
}

/** Without leading zeros. */
function bigEndian(value: bigint): Buffer {
  const digits = value.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
}
