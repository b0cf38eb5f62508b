/**
 * The Machine Payments Protocol: a 402 whose `WWW-Authenticate: Payment` names a method and an intent, a credential that echoes the
 * challenge, and a receipt. Of its methods we read `evm` with the intent `charge` and an EIP-3009 authorization; what else a server
 * offers is left out. (draft-evm-charge-00; the nonce is fixed by "Challenge Binding": keccak256(challenge.id || realm).)
 */
import type { Hex } from "viem";
import { z } from "zod";
import { getAddress } from "./address.ts";
import { readAuthenticate } from "./authenticate.ts";
import { findAsset } from "./asset.ts";
import type { PaymentHeader } from "./authorization.ts";
import { keccak256 } from "./keccak.ts";
import { parseAtomic } from "./money.ts";
import { CHALLENGE_LIMITS, ChallengeError, type OfferTerms, parseJson } from "./offer.ts";
import type { Authorization } from "./transfer-authorization.ts";

/** The challenge's parameters, as the server wrote them: they go back word for word, also those that we do not know. */
const Challenge = z.looseObject({
  id: z.string().min(1).max(512),
  realm: z.string().max(512),
  method: z.literal("evm"),
  intent: z.literal("charge"),
  /** Base64url of JSON. */
  request: z.string().max(CHALLENGE_LIMITS.headerCharacters),
  expires: z.iso.datetime({ offset: true }).optional(),
  digest: z.string().max(512).optional(),
  description: z.string().max(4096).optional(),
  opaque: z.string().max(4096).optional(),
  /** The header that the credential travels in. */
  header: z.enum(["Authorization", "Payment-Authorization"]).optional(),
});
export type MppChallenge = z.output<typeof Challenge>;

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform((text) => getAddress(text.toLowerCase()));
const ChargeRequest = z.looseObject({
  amount: z.string().max(78),
  currency: address,
  recipient: address,
  methodDetails: z.looseObject({
    chainId: z.number().int().positive().max(Number.MAX_SAFE_INTEGER),
    credentialTypes: z.array(z.string().max(64)).max(16),
    decimals: z.number().int().optional(),
    splits: z.array(z.unknown()).max(0).optional(),
  }),
});

export interface MppOffer extends OfferTerms {
  readonly mpp: MppChallenge;
  readonly chainId: number;
  /** Unix seconds; an authorization is not to outlive the challenge. */
  readonly expires: bigint | undefined;
}

export interface MppChallengeSource {
  /** `WWW-Authenticate`. */
  readonly header: string | null;
  /** What was asked for: a realm that names another host sells something else. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How long an offer without an expiry may be paid; the wallet cuts it down further. */
const NO_EXPIRY_SECONDS = 300;

/** The offers that can be read, in the server's order; throws `CHALLENGE_TOO_LARGE`. */
export function parseMppChallenges({ header, url, now }: MppChallengeSource): MppOffer[] {
  if (header === null) return [];
  if (header.length > CHALLENGE_LIMITS.headerCharacters) {
    throw new ChallengeError("CHALLENGE_TOO_LARGE", {
      problem: `The 402 answer's WWW-Authenticate is larger than ${CHALLENGE_LIMITS.headerCharacters} characters.`,
      nextStep: "Treat the answer as a failure and do not pay.",
    });
  }
  const schemes = readAuthenticate(header).filter(({ scheme }) => scheme === "payment");
  return schemes
    .slice(0, CHALLENGE_LIMITS.accepts)
    .flatMap(({ params }) => readMppOffer(params, { url, now }) ?? []);
}

/** One challenge's parameters as an offer for the request to `url`, or undefined where they are none that we can read. */
export function readMppOffer(
  params: object,
  { url, now }: Pick<MppChallengeSource, "url" | "now">,
): MppOffer | undefined {
  const challenge = Challenge.safeParse(params).data;
  if (!challenge) return undefined;
  const request = readCharge(challenge.request);
  if (!request?.methodDetails.credentialTypes.includes("authorization")) return undefined;
  const { chainId, decimals } = request.methodDetails;
  const network = `eip155:${chainId}`;
  const known = findAsset(network, request.currency);
  // A server that counts in other units than the token means another price.
  if (known && decimals !== undefined && decimals !== known.decimals) return undefined;
  const amount = readAmount(request.amount);
  if (amount === undefined) return undefined;
  const { expires, realm } = challenge;
  const until = expires === undefined ? undefined : Math.floor(Date.parse(expires) / 1000);
  const { host, hostname } = new URL(url);
  return {
    mpp: challenge,
    chainId,
    scheme: "exact",
    network,
    amount,
    asset: request.currency,
    payTo: request.recipient,
    maxTimeoutSeconds: until === undefined ? NO_EXPIRY_SECONDS : until - Math.floor(now / 1000),
    expires: until === undefined ? undefined : BigInt(until),
    resource: [host, hostname].includes(realm) ? url : undefined,
    raw: challenge,
  };
}

type ChargeRequest = z.output<typeof ChargeRequest>;
let lastCharge: { readonly text: string; readonly request: ChargeRequest | undefined } | undefined;

/** A seller says the same of a page each time, and only the challenge around it is new. */
function readCharge(text: string): ChargeRequest | undefined {
  if (lastCharge?.text === text) return lastCharge.request;
  const json = Buffer.from(text, "base64url").toString("utf8");
  lastCharge = { text, request: ChargeRequest.safeParse(parseJson(json)).data };
  return lastCharge.request;
}

function readAmount(text: string): bigint | undefined {
  try {
    return parseAtomic(text);
  } catch {
    return undefined;
  }
}

/** The nonce that the specification fixes; the chain takes it once, for whatever purchase it is signed. */
export function mppNonce({ id, realm }: MppChallenge): Hex {
  return keccak256(Buffer.from(id + realm));
}

/** The header that the credential travels in. */
export function mppHeader({ header = "Authorization" }: MppChallenge): PaymentHeader["name"] {
  return header;
}

export function encodeMppPayment(
  { mpp, chainId }: MppOffer,
  { from, to, value, validAfter, validBefore, nonce }: Authorization,
  signature: Hex,
): PaymentHeader {
  const payload = {
    type: "authorization",
    from: getAddress(from),
    to: getAddress(to),
    value: value.toString(),
    validAfter: validAfter.toString(),
    validBefore: validBefore.toString(),
    nonce,
    signature,
  };
  const source = `did:pkh:eip155:${chainId}:${getAddress(from)}`;
  const credential = JSON.stringify({ challenge: mpp, payload, source });
  return {
    name: mppHeader(mpp),
    value: `Payment ${Buffer.from(credential).toString("base64url")}`,
  };
}

const Receipt = z.looseObject({ status: z.literal("success"), reference: z.string().max(256) });

/** What `Payment-Receipt` says of the settlement: the transaction, or undefined. A claim, not a proof. */
export function readMppReceipt(headers: Headers): string | undefined {
  const value = headers.get("Payment-Receipt");
  if (value === null || value.length > CHALLENGE_LIMITS.headerCharacters) return undefined;
  const receipt = parseJson(Buffer.from(value, "base64url").toString("utf8"));
  return Receipt.safeParse(receipt).data?.reference;
}
