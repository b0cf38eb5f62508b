/**
 * `Stripe-Signature: t=<unix>,v1=<hex>`: HMAC-SHA256 over `"{t}.{raw body}"` with a secret that orchestrator and provider share, good
 * for five minutes either way. While a secret is being changed a request carries a `v1` of each. (APP 0.1d.) It covers neither method nor
 * URL, and a copy holds as long as the original; the JWT beside it does both, see request-signature.ts.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { SignatureError } from "./request-signature.ts";

export const HMAC_HEADER = "stripe-signature";
const TOLERANCE_SECONDS = 300;
/** Of one header: more are nobody's rotation. */
const MAX_SIGNATURES = 10;

/** The header's value, with a signature for each secret; `now` in milliseconds. */
export function signHmac(
  body: string,
  { secrets, now }: { secrets: readonly string[]; now: number },
): string {
  const t = String(Math.floor(now / 1000));
  return [
    `t=${t}`,
    ...secrets.map((secret) => `v1=${hmac(secret, t, body).toString("hex")}`),
  ].join();
}

/** Checks that one of the secrets made one of the signatures, or throws `SIGNATURE_INVALID`. */
export function verifyHmac(
  header: string | undefined,
  body: string,
  { secrets, now }: { secrets: readonly string[]; now: number },
): void {
  const parts = (header ?? "").slice(0, 4096).split(",");
  const valuesOf = (name: string) =>
    parts.flatMap((part) =>
      part.trim().startsWith(`${name}=`) ? part.trim().slice(name.length + 1) : [],
    );
  const [t = "", ...more] = valuesOf("t");
  const given = valuesOf("v1").filter((hex) => /^[0-9a-f]{64}$/i.test(hex));
  if (!/^\d{1,12}$/.test(t) || more.length > 0 || given.length > MAX_SIGNATURES)
    throw refuse("The request has no Stripe-Signature of one t and its v1.");
  if (Math.abs(now / 1000 - Number(t)) > TOLERANCE_SECONDS)
    throw refuse("The Stripe-Signature is more than five minutes from now.");
  const signatures = given.map((hex) => Buffer.from(hex, "hex"));
  const holds = secrets.some((secret) => {
    const expected = hmac(secret, t, body);
    return signatures.some((signature) => timingSafeEqual(signature, expected));
  });
  if (!holds)
    throw refuse("The Stripe-Signature was made with another secret, or for another body.");
}

function hmac(secret: string, t: string, body: string): Buffer {
  return createHmac("sha256", secret).update(`${t}.${body}`).digest();
}

function refuse(problem: string): SignatureError {
  return new SignatureError("SIGNATURE_INVALID", {
    problem,
    nextStep: "Sign this very body with the shared secret, now.",
  });
}
