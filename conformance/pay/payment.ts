/**
 * A payment as a stock client would make it, and any change of it: another amount under the same signature, a signature under another
 * domain, a field left out. The change is made where it is named, so that only that is wrong.
 */
import { randomBytes } from "node:crypto";
import { type Address, type Hex, keccak256, type LocalAccount, stringToBytes, toHex } from "viem";
import { findAsset } from "../../protocol/asset.ts";
import { TRANSFER_WITH_AUTHORIZATION } from "../../protocol/transfer-authorization.ts";
import { Unassessable, unclear } from "../case.ts";
import type { Context, RequestChange } from "../context.ts";
import { type OfferedTerms, type ReadChallenge, readChallenge } from "../read/challenge.ts";
import { isObject, type JsonObject } from "../read/json.ts";
import { DECIMAL_INTEGER } from "../cases/offer-grammar.ts";

interface SignedFields {
  from: Address;
  to: Address;
  value: bigint;
  validAfter: bigint;
  validBefore: bigint;
  nonce: Hex;
}

interface Domain {
  name: string;
  version: string;
  chainId: number;
  verifyingContract: Address;
}

export interface PaymentChange {
  /** Changed before it is signed: the signature is over this. */
  readonly fields?: Partial<SignedFields>;
  readonly domain?: Partial<Domain>;
  /** The EIP-712 type's name. */
  readonly primaryType?: string;
  /** Who signs. */
  readonly signer?: LocalAccount;
  readonly signature?: (right: Hex) => Hex;
  /** Changed after it was signed: the whole payment, as JSON. */
  readonly edit?: (payment: Draft) => void;
}

/** The decoded payment, open for changes. */
export type Draft = Record<string, any>;

export interface Payment {
  readonly header: readonly [name: string, value: string];
  /** Decoded. */
  readonly value: unknown;
  readonly fields: SignedFields;
  readonly offer: PayableOffer;
}

export interface PayableOffer extends OfferedTerms {
  readonly challenge: ReadChallenge;
  readonly price: bigint;
  readonly recipient: Address;
  readonly domain: Domain;
}

/**
 * Asks for the price and takes the first offer that can be signed: `exact` by EIP-3009, on the payer's own network where it has money.
 * The change is of the request, such as another path.
 */
export async function askPrice(
  { ask, profile, payer }: Context,
  change: RequestChange = {},
): Promise<PayableOffer> {
  const { answer } = await ask(change);
  const read = answer ? readChallenge(answer, profile) : undefined;
  if (!read?.challenge) throw new Unassessable(unclear("There is no challenge to pay for."));
  const { challenge } = read;
  for (const offer of challenge.offers) {
    const payable = payableOf(offer, challenge);
    if (
      payable &&
      (payer.money?.asset.chainId ?? payable.domain.chainId) === payable.domain.chainId
    )
      return payable;
  }
  const where = payer.money ? ` on ${payer.money.asset.networkName}` : "";
  throw new Unassessable(
    unclear(`No offer can be signed here: it takes exact with EIP-3009${where}.`),
  );
}

function payableOf(offer: OfferedTerms, challenge: ReadChallenge): PayableOffer | undefined {
  const { scheme, network, asset, amount, payTo, raw } = offer;
  if (scheme !== "exact" && scheme !== "charge") return undefined;
  const extra = isObject(raw["extra"]) ? raw["extra"] : {};
  if (extra["assetTransferMethod"] === "permit2") return undefined;
  const known = findAsset(String(network), String(asset));
  const chainId = known?.chainId ?? Number(/^eip155:(\d{1,15})$/.exec(String(network))?.[1]);
  const name = extra["name"] ?? known?.eip712.name;
  const version = extra["version"] ?? known?.eip712.version;
  if (typeof name !== "string" || typeof version !== "string" || !Number.isSafeInteger(chainId))
    return undefined;
  if (typeof amount !== "string" || !DECIMAL_INTEGER.test(amount)) return undefined;
  if (!/^0x[0-9a-fA-F]{40}$/.test(String(payTo)) || !/^0x[0-9a-fA-F]{40}$/.test(String(asset)))
    return undefined;
  const domain = { name, version, chainId, verifyingContract: asset as Address };
  return { ...offer, challenge, price: BigInt(amount), recipient: payTo as Address, domain };
}

/** Signs a payment for an offer, with a change. */
export async function makePayment(
  context: Context,
  offer: PayableOffer,
  change: PaymentChange = {},
): Promise<Payment> {
  const { payer, now, profile } = context;
  const signer = change.signer ?? payer.account;
  const seconds = BigInt(Math.floor(now() / 1000));
  const fields: SignedFields = {
    from: payer.account.address,
    to: offer.recipient,
    value: offer.price,
    validAfter: seconds - 600n,
    validBefore: seconds + windowOf(offer, now()),
    nonce: nonceFor(offer, profile),
    ...change.fields,
  };
  if (payer.money && signer === payer.account) {
    payer.money.signedFor += fields.value;
    if (payer.money.signedFor > payer.money.maxSpend) {
      throw new Unassessable(
        unclear("It would sign for more than the run may spend (--max-spend)."),
      );
    }
  }
  const [type] = Object.values(TRANSFER_WITH_AUTHORIZATION);
  const primaryType = change.primaryType ?? "TransferWithAuthorization";
  const right = await signer.signTypedData({
    domain: { ...offer.domain, ...change.domain },
    types: { [primaryType]: type },
    primaryType,
    message: { ...fields },
  });
  const signature = change.signature?.(right) ?? right;
  const draft: Draft = draftOf(offer, profile, fields, signature);
  change.edit?.(draft);
  const header = encodePayment(offer, profile, draft);
  if (payer.money && signer === payer.account)
    context.signed.push({ header: header[1], ...fields, asSigned: signature === right });
  return { header, value: draft, fields, offer };
}

function draftOf(
  offer: PayableOffer,
  profile: Context["profile"],
  fields: SignedFields,
  signature: Hex,
) {
  const authorization = {
    ...fields,
    value: String(fields.value),
    validAfter: String(fields.validAfter),
    validBefore: String(fields.validBefore),
  };
  const { raw, challenge, domain } = offer;
  if (profile === "mpp") {
    const source = `did:pkh:eip155:${domain.chainId}:${fields.from}`;
    return {
      challenge: { ...raw },
      payload: { type: "authorization", ...authorization, signature },
      source,
    };
  }
  const payload = { signature, authorization };
  if (profile === "x402-v1")
    return { x402Version: 1, scheme: raw["scheme"], network: raw["network"], payload };
  const { resource, extensions } = challenge.value as {
    resource?: JsonObject;
    extensions?: JsonObject;
  };
  return {
    x402Version: 2,
    ...(resource === undefined ? {} : { resource }),
    accepted: structuredClone(raw),
    payload,
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** The header of a payment, whatever stands in it; text is sent as it is. */
export function encodePayment(
  offer: PayableOffer,
  profile: Context["profile"],
  value: unknown,
): readonly [string, string] {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return headerFor(
    offer,
    profile,
    Buffer.from(text).toString(profile === "mpp" ? "base64url" : "base64"),
  );
}

/** The header that carries these characters as a payment. */
export function headerFor(
  offer: PayableOffer,
  profile: Context["profile"],
  characters: string,
): readonly [string, string] {
  if (profile === "x402-v2") return ["PAYMENT-SIGNATURE", characters];
  if (profile === "x402-v1") return ["X-PAYMENT", characters];
  const name =
    offer.raw["header"] === "Payment-Authorization" ? "Payment-Authorization" : "Authorization";
  return [name, `Payment ${characters}`];
}

function windowOf({ raw }: PayableOffer, now: number): bigint {
  const { expires, maxTimeoutSeconds } = raw as { expires?: string; maxTimeoutSeconds?: unknown };
  if (expires !== undefined)
    return BigInt(Math.max(10, Math.floor((Date.parse(expires) - now) / 1000)));
  const seconds = Number(maxTimeoutSeconds);
  return BigInt(Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, 300) : 60);
}

/** MPP fixes the nonce by the challenge. */
function nonceFor({ raw }: PayableOffer, profile: Context["profile"]): Hex {
  if (profile !== "mpp") return toHex(randomBytes(32));
  return keccak256(stringToBytes(`${String(raw["id"])}${String(raw["realm"])}`));
}
