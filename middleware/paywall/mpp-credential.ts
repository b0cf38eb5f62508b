/** What answers an MPP challenge: the challenge echoed, and the payment. A stranger wrote it; here it is only read. */
import { z } from "zod";
import { CHALLENGE_LIMITS, parseJson } from "../../protocol/offer.ts";

const BASE64URL = /^[A-Za-z0-9_-]+$/;
const text = (max: number) => z.string().max(max);

const Credential = z.object({
  challenge: z.object({
    id: text(512),
    realm: text(512),
    method: text(64),
    intent: text(64),
    request: text(CHALLENGE_LIMITS.headerCharacters),
    expires: text(64).optional(),
    digest: text(512).optional(),
    opaque: text(4096).optional(),
    header: text(64).optional(),
  }),
  source: text(256).optional(),
  /** Of the type `authorization`; its fields are checked where every payment's are. */
  payload: z.object({
    type: z.literal("authorization").optional(),
    from: z.string(),
    to: z.string(),
    value: z.string(),
    validAfter: z.string(),
    validBefore: z.string(),
    nonce: z.string(),
    signature: z.string(),
  }),
});
export type MppCredential = z.output<typeof Credential>;

/** Reads the token after `Payment`, or undefined. */
export function readCredential(token: string): MppCredential | undefined {
  if (!BASE64URL.test(token) || token.length > CHALLENGE_LIMITS.headerCharacters) return undefined;
  return Credential.safeParse(parseJson(Buffer.from(token, "base64url").toString())).data;
}
