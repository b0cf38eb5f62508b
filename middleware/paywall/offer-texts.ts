/**
 * What of a 402 is the same for the same terms and URL, written once: most requests that meet a paywall are unpaid, and most of
 * what they cost would be writing this again. Kept as long as the seller keeps the terms (a fixed price does), and never many.
 */
import { encodeJson } from "../../protocol/offer.ts";
import { PAYMENT_IDENTIFIER, paymentIdentifierOffer } from "./payment-identifier.ts";
import {
  type AskedRequest,
  chargeRequest,
  MIME_TYPE,
  requirementsV1,
  requirementsV2,
  type Terms,
} from "./terms.ts";

export interface OfferTexts {
  /** `PAYMENT-REQUIRED`, or undefined where no offer of this URL fits into a header. */
  readonly header: string | undefined;
  /** The body, for x402 v1: JSON in ASCII, which leaves in the same piece as the headers. */
  readonly body: string;
  /** The `request` of an MPP challenge: JSON with its keys sorted (JCS), in Base64url. */
  readonly charge: string;
  readonly description: string;
}

export interface OfferWords {
  /** Whether v1 payments can be taken. */
  readonly takesV1: boolean;
  /** Why there is a 402, in a word of the specification's where there is one. */
  readonly error: string;
}

/** With MPP's header, which needs less than 1,000, below 8 KB: buyers' HTTP libraries take some 16 KB of headers. */
const MAX_HEADER = 7_000;
const SHORT_DESCRIPTION = 500;
const MAX_KEPT = 256;
const EXTENSIONS = { [PAYMENT_IDENTIFIER]: paymentIdentifierOffer };
const kept = new WeakMap<Terms, Map<string, OfferTexts>>();

export function offerTexts(terms: Terms, asked: AskedRequest, words: OfferWords): OfferTexts {
  const key = `${words.error} ${asked.method} ${asked.resource}`;
  let texts = kept.get(terms);
  if (!texts) kept.set(terms, (texts = new Map()));
  const known = texts.get(key);
  if (known) return known;
  if (texts.size >= MAX_KEPT) texts.clear();
  const written = writeOffer(terms, asked, words);
  texts.set(key, written);
  return written;
}

function writeOffer(terms: Terms, asked: AskedRequest, { takesV1, error }: OfferWords): OfferTexts {
  const { description } = terms;
  const full = writeHeader(terms, asked, error);
  const isShort = full.length <= MAX_HEADER;
  const told = isShort ? terms : { ...terms, description: description.slice(0, SHORT_DESCRIPTION) };
  const header = isShort ? full : writeHeader(told, asked, error);
  const accepts = takesV1 ? [requirementsV1(told, asked)] : [];
  return {
    header: header.length <= MAX_HEADER ? header : undefined,
    body: asciiJson({ x402Version: 1, error, accepts }),
    charge: encodeCharge(terms),
    description: told.description,
  };
}

function writeHeader(terms: Terms, asked: AskedRequest, error: string): string {
  const { description } = terms;
  return encodeJson({
    x402Version: 2,
    error,
    resource: { url: asked.resource, description, mimeType: MIME_TYPE },
    accepts: [requirementsV2(terms, asked)],
    extensions: EXTENSIONS,
  });
}

function asciiJson(value: unknown): string {
  const escape = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[^\0-\x7f]/g, escape);
}

export function encodeCharge(terms: Terms): string {
  return Buffer.from(JSON.stringify(chargeRequest(terms))).toString("base64url");
}
