/**
 * A paid request as text, so that it can be made again after a crash: where to, how, and with what body. Headers that may hold a
 * secret are left out and only named; whoever makes the request again has to be given them.
 */
import type { Address } from "viem";
import { z } from "zod";
import type { MppOffer } from "../../protocol/mpp.ts";
import { type Offer, readOffer } from "../../protocol/offer.ts";
import { Secret } from "../../protocol/secret.ts";
import type { PaidRequest } from "../send-paid.ts";
import type { RemakeTerms } from "../wallet-options.ts";

/** A larger body is not kept: its delivery is left to its caller's next call. */
const MAX_BODY_BYTES = 1024 * 1024;
const SECRET_HEADER = /auth|cookie|token|secret|password|credential|session|key$|signature/i;
/** It ends in "key" and is part of what is bought, not a secret. */
const PLAIN_HEADERS: readonly string[] = ["idempotency-key"];

const Text = z.object({
  scope: z.string(),
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  withheld: z.array(z.string()),
  /** Base64. */
  body: z.string().optional(),
  /** Of x402: what the payment's bytes can be made again from, with its reservation. */
  terms: z
    .object({
      x402Version: z.union([z.literal(1), z.literal(2)]),
      raw: z.record(z.string(), z.unknown()),
      resource: z.string().optional(),
      payTo: z.array(z.string()),
      maxAmount: z.string().regex(/^\d+$/),
    })
    .optional(),
});

export interface KeptPaidRequest extends PaidRequest {
  /** Whose purchase it is (`PayerOptions.scope`). */
  readonly scope: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that were not kept. */
  readonly withheld: readonly string[];
  /** Undefined for MPP, whose bytes are kept before they leave. */
  readonly terms: RemakeTerms | undefined;
}

/** Undefined where it is too large to keep. */
export function writeKeptRequest(
  scope: string,
  { method, url, headers, body }: Omit<PaidRequest, "headers"> & { readonly headers: Headers },
  terms?: RemakeTerms<Offer | MppOffer>,
): Secret | undefined {
  if (body !== undefined && body.length > MAX_BODY_BYTES) return undefined;
  const all = [...headers];
  const isSecret = (name: string) => SECRET_HEADER.test(name) && !PLAIN_HEADERS.includes(name);
  const text = {
    scope,
    method,
    url,
    headers: Object.fromEntries(all.filter(([name]) => !isSecret(name))),
    withheld: all.map(([name]) => name).filter(isSecret),
    ...(body === undefined ? {} : { body: Buffer.from(body).toString("base64") }),
    ...(terms && !("mpp" in terms.offer) ? { terms: writeTerms(terms.offer, terms.quote) } : {}),
  } satisfies z.output<typeof Text>;
  return new Secret(JSON.stringify(text));
}

/** A catalog's request, without what its caller adds to be known by the provider: recovery asks for that anew. */
export function keepCall(
  scope: string,
  request: PaidRequest,
  terms: RemakeTerms<Offer | MppOffer>,
): Secret | undefined {
  const type = { "content-type": "application/json" };
  const headers = new Headers(request.body === undefined ? {} : type);
  return writeKeptRequest(scope, { ...request, headers }, terms);
}

export function readKeptRequest(kept: Secret): KeptPaidRequest {
  const { body, terms, ...rest } = Text.parse(JSON.parse(kept.reveal()));
  return {
    ...rest,
    ...(body === undefined ? {} : { body: Uint8Array.from(Buffer.from(body, "base64")) }),
    terms: terms && readTerms(terms),
  };
}

type TermsText = NonNullable<z.output<typeof Text>["terms"]>;

function writeTerms(
  { x402Version, raw, resource }: Offer,
  { payTo, maxAmount }: RemakeTerms["quote"],
): TermsText {
  return { x402Version, raw, resource, payTo: [...payTo], maxAmount: `${maxAmount}` };
}

function readTerms({ x402Version, raw, resource, payTo, maxAmount }: TermsText): RemakeTerms {
  return {
    offer: readOffer({ x402Version, raw, resource }),
    quote: { payTo: payTo as Address[], maxAmount: BigInt(maxAmount) },
  };
}
