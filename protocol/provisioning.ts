/**
 * The messages of the agent-provisioning protocol (APP 0.1d) between orchestrator and provider: account requests with an
 * attested identity. Fields that APP lacks and we add: `terms`, `mandate`, `identity_assertion`, PKCE for everyone.
 */
import { z } from "zod";
import { Values } from "./typed-values.ts";

const text = (max: number) => z.string().min(1).max(max);

/** Evidence that the human accepted a version of the provider's terms; only the orchestrator can know. */
export const TermsEvidence = z.object({
  version: text(50),
  /** ISO 8601. */
  accepted_at: z.iso.datetime(),
  accepted_by: z.literal("user"),
});
export type TermsEvidence = z.output<typeof TermsEvidence>;

/** `POST /provisioning/account_requests`, signed. */
export const AccountRequest = z.looseObject({
  id: text(100),
  object: z.literal("account_request"),
  email: z.email().max(254),
  name: z.string().max(200).optional(),
  /** ISO 3166-1 alpha-2. */
  country: z.string().max(2).optional(),
  kyc: z.object({ verified_fields: z.array(z.enum(["email", "name", "phone", "country"])) }),
  scopes: z.array(text(100)).max(50),
  client_capabilities: z.array(z.enum(["browser", "email", "sms"])),
  confirmation_secret: text(200),
  expires_at: z.iso.datetime(),
  orchestrator: z.looseObject({ type: text(50), account: text(100) }),
  /** The orchestrator's OAuth client at this provider. */
  client_id: text(200),
  code_challenge: text(128),
  code_challenge_method: z.literal("S256"),
  /** Of a new account, as the provider's `configuration_schema` describes it; one that exists keeps its own. */
  configuration: Values.optional(),
  /** Which agent of the user's it is for; consent is asked for each. */
  agent: z.object({ id: text(100), name: text(100).optional() }).optional(),
  terms: TermsEvidence.optional(),
  /** A signed mandate, see mandate.ts. */
  mandate: text(4096),
  /** Who the user is, signed for this provider alone; see identity-assertion.ts. */
  identity_assertion: text(4096),
});
export type AccountRequest = z.output<typeof AccountRequest>;

/** The same as APP 0.1d has it, without what we add: attested by the request's signature alone. */
export const PlainAccountRequest = AccountRequest.extend({
  orchestrator: z.looseObject({
    type: text(50),
    stripe: z.looseObject({ account: text(100), organization: text(100).optional() }),
  }),
  kyc: z.object({ verified_fields: z.array(z.string().max(50)).max(20) }).optional(),
  /** APP 0.1d has any JSON here. */
  configuration: z.record(z.string().max(64), z.json()).optional(),
  client_id: text(200).optional(),
  code_challenge: text(128).optional(),
  code_challenge_method: z.literal("S256").optional(),
  mandate: z.never().optional(),
  identity_assertion: z.never().optional(),
});
export type PlainAccountRequest = z.output<typeof PlainAccountRequest>;

const ErrorPart = z.looseObject({ code: text(100), message: z.string().max(2000) });

/** How the owner of an account can be asked: a page for a browser, and, with `device`, a code for any device (RFC 8628). */
export const RequiresAuth = z.looseObject({
  type: z.literal("redirect"),
  redirect: z.object({ url: z.url().max(2000) }),
  device: z
    .looseObject({
      device_code: text(500),
      user_code: text(50),
      verification_uri: z.url().max(2000),
      verification_uri_complete: z.url().max(2000).optional(),
      /** Seconds. */
      expires_in: z.number().positive(),
      interval: z.number().positive().optional(),
    })
    .optional(),
});
export type RequiresAuth = z.output<typeof RequiresAuth>;

/** The answer to an account request. */
export const AccountResponse = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("oauth"), oauth: z.object({ code: text(500) }) }),
  z.looseObject({
    type: z.literal("requires_auth"),
    requires_auth: RequiresAuth,
  }),
  z.looseObject({ type: z.literal("error"), error: ErrorPart }),
]);
export type AccountResponse = z.output<typeof AccountResponse>;

/** The answer of `POST /oauth/token`. */
export const TokenResponse = z.looseObject({
  token_type: z.string().regex(/^bearer$/i),
  access_token: text(8192),
  refresh_token: text(8192).optional(),
  expires_in: z.number().positive(),
  scope: z.string().optional(),
  account: z.looseObject({
    id: text(100),
    payment_credentials: z.enum(["orchestrator", "provider"]),
  }),
});
export type TokenResponse = z.output<typeof TokenResponse>;
