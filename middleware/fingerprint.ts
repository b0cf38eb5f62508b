/** The identity of a request: method, URL and body. What is paid for one is never taken for another. */
import { hash } from "node:crypto";

export interface FingerprintedRequest {
  readonly method: string;
  readonly url: string;
  readonly body?: string | Uint8Array | undefined;
}

export function fingerprintOf(request: FingerprintedRequest): string {
  return digestIdentity(identityOf(request));
}

export function digestIdentity(identity: string): string {
  return hash("sha256", identity, "hex");
}

/** The same as a text, of which two different requests have no common one. */
export function identityOf({ method, url, body }: FingerprintedRequest): string {
  const digest = body === undefined ? null : hash("sha256", body, "hex");
  return JSON.stringify([method.toUpperCase(), url, digest]);
}
