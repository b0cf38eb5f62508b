/**
 * An offer is one way to pay that a 402 answer names. x402 v1 writes it in the body and x402 v2 in a header; here both
 * become the same thing, parsed once and strictly, because a stranger wrote it.
 */
import type { Address } from "viem";
import { getAddress } from "./address.ts";
import { findAsset } from "./asset.ts";
import { PurserError } from "./error.ts";
import { isObject } from "./is-object.ts";
import { parseAtomic } from "./money.ts";

export type X402Version = 1 | 2;

/** What every protocol's offer says. */
export interface OfferTerms {
  readonly scheme: string;
  /** CAIP-2 id when we know the network, otherwise the server's own word (which no policy allows). */
  readonly network: string;
  /** Atomic units. */
  readonly amount: bigint;
  readonly asset: Address;
  readonly payTo: Address;
  readonly maxTimeoutSeconds: number;
  /** The URL the server says it sells. */
  readonly resource: string | undefined;
  /** The entry of `accepts` as the server wrote it: x402 v2 wants it back word for word. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** An offer of x402. */
export interface Offer extends OfferTerms {
  readonly x402Version: X402Version;
}

export type ChallengeErrorCode = "CHALLENGE_INVALID" | "CHALLENGE_TOO_LARGE";

export class ChallengeError extends PurserError<ChallengeErrorCode> {}

/**
 * Limits on what a stranger may send: characters of a body and of a header, entries of a list, and how deep JSON may be nested.
 * (How many digits an integer may have is `parseAtomic`'s.)
 */
export const CHALLENGE_LIMITS = {
  characters: 64 * 1024,
  headerCharacters: 16 * 1024,
  accepts: 32,
  depth: 16,
} as const;

const MAX_URL = 4096;
/** Of a scheme's and a network's name. */
const MAX_NAME = 64;

/** What `parseChallenge` reads from an HTTP answer with status 402. */
export interface ChallengeSource {
  /** The value of `PAYMENT-REQUIRED`, when the answer has one. */
  header: string | null;
  /** The body's text. */
  body: string;
}

/**
 * The offers of a 402 answer, those of x402 v2 first. Entries that cannot be read (another scheme's shape, another chain's
 * address) are left out; an answer without one readable entry is refused with `CHALLENGE_INVALID`.
 */
export function parseChallenge({ header, body }: ChallengeSource): Offer[] {
  refuseLarge("header", header ?? "", CHALLENGE_LIMITS.headerCharacters);
  refuseLarge("body", body, CHALLENGE_LIMITS.characters);
  const offers = [
    ...(header === null ? [] : readV2(decodeJson(header))),
    ...readV1(parseJson(body)),
  ];
  if (offers.length > 0) return offers;
  throw new ChallengeError("CHALLENGE_INVALID", {
    problem: "The 402 answer holds no x402 offer that can be read.",
    nextStep: "Treat the answer as a failure and do not pay.",
  });
}

function refuseLarge(part: string, text: string, max: number): void {
  if (text.length <= max) return;
  throw new ChallengeError("CHALLENGE_TOO_LARGE", {
    problem: `The 402 answer's ${part} is larger than ${max} characters.`,
    nextStep: "Treat the answer as a failure and do not pay.",
  });
}

/**
 * One entry of `accepts` as an offer, for whoever was handed the entry alone, or `CHALLENGE_INVALID`. `resource` is the URL
 * that an x402 v2 challenge names beside its entries.
 */
export function readOffer(entry: {
  x402Version: X402Version;
  raw: unknown;
  resource?: string | undefined;
}): Offer {
  const { x402Version, raw, resource } = entry;
  const offer = x402Version === 1 ? readV1Entry(raw) : readV2Entry(raw, resource);
  if (offer) return offer;
  throw new ChallengeError("CHALLENGE_INVALID", {
    problem: "The offer cannot be read.",
    nextStep: "Treat the answer as a failure and do not pay.",
  });
}

function readV1(challenge: unknown): Offer[] {
  if (!isObject(challenge) || challenge["x402Version"] !== 1) return [];
  return readAccepts(challenge).flatMap((raw) => readV1Entry(raw) ?? []);
}

function readV2(challenge: unknown): Offer[] {
  if (!isObject(challenge) || challenge["x402Version"] !== 2) return [];
  const { resource } = challenge;
  if (resource !== undefined && !isObject(resource)) return [];
  const url = resource?.["url"];
  if (resource && !isText(url, MAX_URL)) return [];
  return readAccepts(challenge).flatMap((raw) => readV2Entry(raw, url) ?? []);
}

/** By hand, as all of this is: a schema's reading costs more than all the rest of it. */
function readAccepts({ accepts }: Record<string, unknown>): unknown[] {
  return Array.isArray(accepts) && accepts.length <= CHALLENGE_LIMITS.accepts ? accepts : [];
}

function readV1Entry(raw: unknown): Offer | undefined {
  if (!isObject(raw)) return undefined;
  const { maxAmountRequired, resource } = raw;
  return readEntry(1, raw, maxAmountRequired, resource);
}

function readV2Entry(raw: unknown, resource: unknown): Offer | undefined {
  return isObject(raw) ? readEntry(2, raw, raw["amount"], resource) : undefined;
}

function readEntry(
  x402Version: X402Version,
  raw: Readonly<Record<string, unknown>>,
  price: unknown,
  resource: unknown,
): Offer | undefined {
  const { scheme, network, maxTimeoutSeconds } = raw;
  if (!isText(scheme, MAX_NAME) || !isText(network, MAX_NAME)) return undefined;
  if (!isSafeInteger(maxTimeoutSeconds) || maxTimeoutSeconds <= 0) return undefined;
  if (resource !== undefined && !isText(resource, MAX_URL)) return undefined;
  const [payTo, asset, amount] = [
    readAddress(raw["payTo"]),
    readAddress(raw["asset"]),
    readAmount(price),
  ];
  if (!payTo || !asset || amount === undefined) return undefined;
  const known = findAsset(network, asset)?.network ?? network;
  return {
    x402Version,
    scheme,
    network: known,
    amount,
    asset,
    payTo,
    maxTimeoutSeconds,
    resource,
    raw,
  };
}

function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value.length <= max;
}

function isSafeInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function readAddress(text: unknown): Address | undefined {
  if (typeof text !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(text)) return undefined;
  return getAddress(text.toLowerCase());
}

function readAmount(text: unknown): bigint | undefined {
  try {
    return typeof text === "string" ? parseAtomic(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Base64 of JSON, as the x402 headers carry it, or undefined when it is not. */
export function decodeJson(base64: string): unknown {
  return parseJson(Buffer.from(base64, "base64").toString("utf8"));
}

/** JSON text as Base64. */
export function encodeJson(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64");
}

/** The value, or undefined where the text is no JSON or is nested deeper than any challenge. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, CHALLENGE_LIMITS.depth) ? undefined : value;
  } catch {
    return undefined;
  }
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1));
}
