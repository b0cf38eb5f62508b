import type { Request } from "express";

/** The request's body as its fingerprint covers it. */
export function bodyText(request: Request): string | undefined {
  const body: unknown = request.body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString("base64");
  if (typeof body === "string") return body;
  return body === undefined ? undefined : JSON.stringify(body);
}

/**
 * A body that no middleware has read would let one payment buy with any body, so it is not taken for an empty one: the seller has
 * mounted nothing that reads it, or a stranger sends what the seller does not read.
 */
export function hasUnreadBody(request: Request): boolean {
  if (request.body !== undefined) return false;
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  return length !== "0" || encoding !== undefined;
}
