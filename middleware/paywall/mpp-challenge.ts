/**
 * The challenge of an MPP 402, and whether a credential answers one of ours. Its id is an HMAC of the challenge and of the request
 * (method, URL, body) that met it, so nothing is kept for the unpaid, and a payment for one request is none for another; and each
 * id is new, because it becomes the payment's nonce. (draft-httpauth-payment-01, "Challenge Binding"; draft-evm-charge-00)
 */
import { randomUUID, timingSafeEqual } from "node:crypto";
import { keccak256, stringToBytes } from "viem";
import { encodeCharge } from "./offer-texts.ts";
import type { Seal } from "../../protocol/one-shot-hmac.ts";
import { PAYMENT_SCHEME, type PresentedPayment } from "./presented-payment.ts";
import type { Terms } from "./terms.ts";
import type { Visit } from "./visit.ts";

export interface MppSeal {
  readonly seal: Seal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly newId: () => string;
}

const METHOD = "evm";
const INTENT = "charge";

/** The value of `WWW-Authenticate`, for a `request` that `offerTexts` wrote. */
export function mppChallenge(charge: string, visit: Visit, { seal, now, newId }: MppSeal): string {
  const expires = secondText(now() + visit.asked.maxTimeoutSeconds * 1000);
  const fields = {
    realm: visit.realm,
    request: charge,
    expires,
    header: otherHeader(visit),
    opaque: newId(),
  };
  const id = idOf(fields, visit, seal);
  const header = fields.header && `, header="${fields.header}"`;
  const realm = fields.realm.replace(/[\\"]/g, "\\$&");
  return `Payment id="${id}", realm="${realm}", method="${METHOD}", intent="${INTENT}", request="${fields.request}", expires="${expires}"${header}, opaque="${fields.opaque}"`;
}

/** Each of these ids is new, in this process and in any other. */
export function newIds(): () => string {
  const ours = randomUUID();
  let count = 0;
  return () => `${ours}-${(count += 1)}`;
}

let newest = { second: Number.NaN, text: "" };

/** A time in whole seconds: most unpaid requests come in the second of the one before. */
function secondText(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (newest.second !== second)
    newest = { second, text: new Date(second * 1000).toISOString().replace(".000", "") };
  return newest.text;
}

/** The problem (a type of the registry, and a sentence), or undefined where it pays these terms for this request. */
export function findMppProblem(
  { credential, nonce, payer, amount }: PresentedPayment,
  terms: Terms,
  visit: Visit,
  { seal, now }: Pick<MppSeal, "seal" | "now">,
): MppProblem | undefined {
  if (!credential) return "malformed-credential";
  const { challenge, source } = credential;
  const { id, realm, method, intent, request, expires = "", header = "", opaque = "" } = challenge;
  if (method !== METHOD || intent !== INTENT) return "method-unsupported";
  const ours = idOf({ realm: visit.realm, request, expires, header, opaque }, visit, seal);
  if (realm !== visit.realm || challenge.digest !== undefined || !isEqual(id, ours))
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

/** Of https://paymentauth.org/problems. */
export type MppProblem =
  | "payment-required"
  | "payment-insufficient"
  | "payment-expired"
  | "verification-failed"
  | "malformed-credential"
  | "invalid-challenge"
  | "method-unsupported";

/** Where the request's `Authorization` is taken, the credential comes in a header of its own. */
function otherHeader({ request }: Visit): string {
  const { authorization = "" } = request.headers;
  return authorization === "" || PAYMENT_SCHEME.test(authorization) ? "" : "Payment-Authorization";
}

/** The field that brought the credential, as a challenge would name it. */
function carrierOf({ request }: Visit): string {
  return request.headers["payment-authorization"] === undefined ? "" : "Payment-Authorization";
}

interface Bound {
  realm: string;
  request: string;
  expires: string;
  header: string;
  opaque: string;
}

function idOf(bound: Bound, { identity }: Visit, seal: Seal): string {
  const { realm, request, expires, header, opaque } = bound;
  const slots = [realm, METHOD, INTENT, request, expires, "", header, opaque, identity];
  return seal(slots.join("|"));
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
