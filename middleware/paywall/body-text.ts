import type { Request } from "express";
import { PaymentError } from "../payment-error.ts";

/**
 * The request's body as its fingerprint covers it. A body that nobody has read yet would let one payment buy with any body, so
 * it is an error of the seller's setup, not an empty one.
 */
export function bodyText(request: Request): string | undefined {
  const body: unknown = request.body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString("base64");
  if (typeof body === "string") return body;
  if (body !== undefined) return JSON.stringify(body);
  const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
  if (length === "0" && encoding === undefined) return undefined;
  throw new PaymentError("BODY_NOT_READ", {
    problem: "The request has a body that no middleware before the paywall has read.",
    nextStep: "Mount express.json(), express.text() or express.raw() before the paywall.",
  });
}
