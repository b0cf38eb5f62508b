/**
 * Whether an MPP credential answers a challenge of ours: one that was made for this request (method, URL, body), of which nothing was
 * changed. (draft-httpauth-payment-01, "Challenge Binding"; draft-evm-charge-00)
 */
import { timingSafeEqual } from "node:crypto";
import { keccak256, stringToBytes } from "viem";
import { drawIds, idAt, readOpaque } from "./challenge-id.ts";
import { INTENT, METHOD, type MppOptions } from "./mpp-challenge.ts";
import type { MppCredential } from "./mpp-credential.ts";
import { encodeCharge } from "./offer-texts.ts";
import type { PresentedPayment } from "./presented-payment.ts";
import type { Terms } from "./terms.ts";
import type { Visit } from "./visit.ts";

/** Of https://paymentauth.org/problems. */
export type MppProblem =
  | "payment-required"
  | "payment-insufficient"
  | "payment-expired"
  | "verification-failed"
  | "malformed-credential"
  | "invalid-challenge"
  | "method-unsupported";

/** The problem (a type of the registry, and a sentence), or undefined where it pays these terms for this request. */
export function findMppProblem(
  { credential, nonce, payer, amount }: PresentedPayment,
  terms: Terms,
  visit: Visit,
  { key, now }: Pick<MppOptions, "key" | "now">,
): MppProblem | undefined {
  if (!credential) return "malformed-credential";
  const { challenge, source } = credential;
  const { id, realm, method, intent, request, expires = "", header = "" } = challenge;
  if (method !== METHOD || intent !== INTENT) return "method-unsupported";
  if (realm !== visit.realm || challenge.digest !== undefined || !isOurs(challenge, visit, key))
    return "invalid-challenge";
  // A credential satisfies its challenge only in the field that the challenge selects.
  if (header !== carrierOf(visit)) return "invalid-challenge";
  if (!(Date.parse(expires) > now())) return "payment-expired";
  if (amount < terms.amount) return "payment-insufficient";
  // The terms have changed since.
  if (request !== encodeCharge(terms)) return "invalid-challenge";
  const payerId = `did:pkh:${terms.asset.network}:${payer}`;
  if (source !== undefined && source.toLowerCase() !== payerId.toLowerCase())
    return "verification-failed";
  return nonce === keccak256(stringToBytes(id + realm)) ? undefined : "verification-failed";
}

function isOurs(
  { id, request, expires = "", header = "", opaque = "" }: MppCredential["challenge"],
  { realm, identity }: Visit,
  key: string,
): boolean {
  const place = readOpaque(opaque);
  if (!place) return false;
  const ids = drawIds(key, { realm, request, expires, header, series: place.series, identity });
  return isEqual(id, idAt(ids, place.at));
}

/** The field that brought the credential, as a challenge would name it. */
function carrierOf({ request }: Visit): string {
  return request.headers["payment-authorization"] === undefined ? "" : "Payment-Authorization";
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
