/**
 * The ids of MPP challenges, drawn sixteen at a time: a seller is asked for the price of the same thing many times a second, and of
 * a challenge nothing but its number need be new. An id is 33 bytes of what SHAKE256 (FIPS 202) makes of a key and of all that the
 * challenge and its request say, so nothing is kept of those that were given away, and nobody without the key can make one.
 *
 * The draft recommends HMAC-SHA-256 for it ("Challenge Binding") and leaves the choice to the server. HMAC hashes twice because the
 * output of SHA-256 is its whole state, from which anybody can go on. That of a sponge is a part of its state, so a key of fixed length
 * before the message is enough (Bertoni, Daemen, Peeters, Van Assche, "On the security of the keyed sponge construction", 2011;
 * KMACXOF256 of NIST SP 800-185 is the same with a longer preamble), and its output is as long as is asked for, each part as good as
 * an output of its own.
 */
import { createHash } from "node:crypto";

/** What a challenge says and of which request, as an id binds it. */
export interface Bound {
  readonly realm: string;
  readonly request: string;
  readonly expires: string;
  readonly header: string;
  /** Another for each sixteen. */
  readonly series: string;
  /** The request's method, URL and body. */
  readonly identity: string;
}

export const IDS = 16;
const BYTES = 33;
/** In Base64url. */
const LENGTH = (BYTES * 4) / 3;

/** The ids of a series, one after another; all keys have one length. */
export function drawIds(
  key: string,
  { realm, request, expires, header, series, identity }: Bound,
): string {
  // As JSON, because no two lists are the same text: a realm is what the buyer's `Host` says.
  const text = JSON.stringify([realm, request, expires, header, series, identity]);
  return createHash("shake256", { outputLength: IDS * BYTES })
    .update(key + text)
    .digest("base64url");
}

export function idAt(ids: string, at: number): string {
  return ids.slice(at * LENGTH, (at + 1) * LENGTH);
}

/** The series and the number there, out of a challenge's `opaque`; undefined where it is none of ours. */
export function readOpaque(opaque: string): { series: string; at: number } | undefined {
  const [, series, number] = /^(.+)-(0|[1-9]\d?)$/.exec(opaque) ?? [];
  const at = Number(number);
  return series !== undefined && at < IDS ? { series, at } : undefined;
}
