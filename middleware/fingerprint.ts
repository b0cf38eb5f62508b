/** The identity of a request: method, URL and body. What is paid for one is never taken for another. */
import { createHash } from "node:crypto";

export interface FingerprintedRequest {
  readonly method: string;
  readonly url: string;
  readonly body?: string | Uint8Array | undefined;
}

export function fingerprintOf({ method, url, body }: FingerprintedRequest): string {
  const digest = createHash("sha256")
    .update(body ?? "")
    .digest("hex");
  return createHash("sha256")
    .update(JSON.stringify([method.toUpperCase(), url, body === undefined ? null : digest]))
    .digest("hex");
}
