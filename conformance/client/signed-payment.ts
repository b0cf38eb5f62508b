/**
 * A payment as it was caught: what the client signed, and for which token on which chain, which is proven by its signature and not by
 * what the payment says of itself.
 */
import { type Address, getAddress, type Hex, recoverTypedDataAddress, toHex } from "viem";
import { readExactPayload } from "../../protocol/authorization.ts";
import { TRANSFER_WITH_AUTHORIZATION } from "../../protocol/transfer-authorization.ts";
import type { Profile } from "../case.ts";
import { isObject, type JsonObject, parse } from "../read/json.ts";
import type { Terms } from "./terms.ts";

export interface SignedPayment {
  readonly profile: Profile;
  readonly from: Address;
  readonly to: Address;
  /** Atomic units. */
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
  readonly signature: Hex;
  /** The terms under whose token and chain the signature is the client's; undefined where it fits none that was asked. */
  readonly terms: Terms | undefined;
  /** Of an MPP credential. */
  readonly challenge: { readonly id: string; readonly realm: string } | undefined;
  /** As sent: the same bytes are the same payment. */
  readonly bytes: string;
}

const HEADERS = [
  ["payment-signature", "x402-v2"],
  ["x-payment", "x402-v1"],
  ["authorization", "mpp"],
  ["payment-authorization", "mpp"],
] as const satisfies readonly (readonly [string, Profile])[];

/** Names of the headers of a request that carry a payment, readable or not. */
export function paymentHeaders(headers: NodeJS.Dict<string | string[]>): string[] {
  return HEADERS.filter(([name, profile]) => {
    const value = headers[name];
    return value !== undefined && (profile !== "mpp" || /^payment /i.test(String(value)));
  }).map(([name]) => name);
}

/** Every payment of a request that can be read. */
export async function readPayments(
  headers: NodeJS.Dict<string | string[]>,
  asked: readonly Terms[],
): Promise<SignedPayment[]> {
  const found = HEADERS.flatMap(([name, profile]) => {
    const value = headers[name];
    return typeof value === "string" ? [read(value, profile)] : [];
  });
  const payments = found.filter((payment) => payment !== undefined);
  return await Promise.all(
    payments.map(async (payment) => ({ ...payment, terms: await findTerms(payment, asked) })),
  );
}

function read(text: string, profile: Profile): Omit<SignedPayment, "terms"> | undefined {
  const encoded = profile === "mpp" ? /^payment (\S+)$/i.exec(text)?.[1] : text;
  const value = parse(Buffer.from(encoded ?? "", "base64").toString("utf8"));
  const payload = isObject(value) ? value["payload"] : undefined;
  if (!isObject(value) || !isObject(payload)) return undefined;
  const { signature } = payload;
  const permit = payload["permit2Authorization"];
  const authorization =
    profile === "mpp" ? payload : isObject(permit) ? asTransfer(permit) : payload["authorization"];
  const data = readExactPayload({ signature, authorization });
  if (!data) return undefined;
  const { from, to, nonce, ...numbers } = data.authorization;
  const { challenge } = value;
  return {
    profile,
    ...numbers,
    from: getAddress(from),
    to: getAddress(to),
    nonce: nonce.toLowerCase() as Hex,
    signature: data.signature,
    challenge: isObject(challenge)
      ? { id: String(challenge["id"]), realm: String(challenge["realm"]) }
      : undefined,
    bytes: text,
  };
}

/**
 * A Permit2 permission in the words of a transfer: how much, to whom, until when (x402 exact on EVM, "permit2"). It is signed under no
 * token's domain, so it fits no terms, and nobody cashes it here.
 */
function asTransfer({ from, permitted, nonce, deadline, witness }: JsonObject) {
  const value = isObject(permitted) ? permitted["amount"] : undefined;
  const { to, validAfter } = isObject(witness) ? witness : {};
  const number = /^\d{1,77}$/.test(String(nonce)) ? BigInt(String(nonce)) : 0n;
  const unique = toHex(number, { size: 32 });
  return { from, to, value, validAfter, validBefore: deadline, nonce: unique };
}

async function findTerms(
  { signature, ...message }: Omit<SignedPayment, "terms">,
  asked: readonly Terms[],
): Promise<Terms | undefined> {
  for (const terms of asked) {
    const { domain, chainId, asset } = terms;
    const signer = await recoverTypedDataAddress({
      domain: { ...domain, chainId, verifyingContract: asset as Address },
      types: TRANSFER_WITH_AUTHORIZATION,
      primaryType: "TransferWithAuthorization",
      message,
      signature,
    }).catch(() => undefined);
    if (signer === message.from) return terms;
  }
  return undefined;
}

/** Each authorization once, however often it was sent: the chain takes a nonce once for a token. */
export function distinct(payments: readonly SignedPayment[]): SignedPayment[] {
  const keys = new Set<string>();
  return payments.filter(({ from, nonce, to, value, signature }) => {
    const key = `${from} ${nonce} ${to} ${value} ${signature}`;
    return !keys.has(key) && keys.add(key);
  });
}

/** Atomic units that stand under different signatures. */
export function signedTotal(payments: readonly SignedPayment[]): bigint {
  return distinct(payments).reduce((sum, { value }) => sum + value, 0n);
}
