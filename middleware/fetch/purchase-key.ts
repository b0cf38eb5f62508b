/**
 * What makes two calls the same purchase. Within the caller's scope it is the `Idempotency-Key` header where there is one, and
 * otherwise the request itself: method, URL and body. The same purchase is paid for once, however often it is asked for.
 */
import { hash } from "node:crypto";
import { fingerprintOf } from "../fingerprint.ts";
import type { Hop } from "./unpaid-walk.ts";

/** Such as "pay_3f…". */
export function purchaseKey(scope: string, hop: Hop): string {
  const key = hop.headers.get("idempotency-key");
  const identity = key === null ? ["request", fingerprintOf(hop)] : ["key", key];
  const digest = hash("sha256", JSON.stringify([scope, ...identity]));
  return `pay_${digest.slice(0, 40)}`;
}
