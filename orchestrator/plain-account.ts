/**
 * The account request of APP 0.1d as it is published, and the answers to it: the user is attested by the request's signature alone, so
 * nothing of ours goes along; besides a code, a provider may answer with the tokens themselves, or that it is still making up its mind.
 */
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { RequiresAuth, TokenResponse, type typedValues } from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";
import type { User } from "./people.ts";
import type { PlainProvider } from "./plain-catalog.ts";

export function plainAccountRequest({
  id,
  user,
  expiresAt,
  scopes,
  configuration,
}: {
  id: string;
  user: User;
  expiresAt: string;
  scopes: PlainProvider["scopes"];
  configuration: ReturnType<typeof typedValues>;
}): object {
  const { email, name, emailVerified, country } = user;
  return {
    id,
    object: "account_request",
    email,
    name,
    ...(country === undefined ? {} : { country }),
    kyc: { verified_fields: emailVerified ? ["email"] : [] },
    scopes,
    ...(Object.keys(configuration).length === 0 ? {} : { configuration }),
    client_capabilities: ["browser"],
    confirmation_secret: randomBytes(32).toString("base64url"),
    expires_at: expiresAt,
    orchestrator: { type: "stripe", stripe: { account: accountOf(user.id) } },
  };
}

/** The shape of Stripe's ids; the same for a user each time. */
function accountOf(user: string): string {
  return `acct_${createHash("sha256").update(user).digest("hex").slice(0, 24)}`;
}

/** Either way in which providers say where the owner consents. */
const Auth = z.union([
  z.looseObject({ url: z.url().max(2000) }).transform(({ url }) => url),
  z
    .looseObject({ redirect: z.looseObject({ url: z.url().max(2000) }) })
    .transform(({ redirect }) => redirect.url),
]);

const Answer = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("oauth"), oauth: z.looseObject({ code: z.string().max(500) }) }),
  z.looseObject({
    type: z.literal("credentials"),
    credentials: z.looseObject({ type: z.literal("bearer"), bearer: z.looseObject({}) }),
  }),
  z.looseObject({ type: z.literal("requires_auth"), requires_auth: Auth }),
  z.looseObject({
    type: z.literal("registering"),
    retry_after: z.number().positive().max(86_400).default(5),
  }),
]);

export type PlainAnswer =
  | { kind: "code"; code: string }
  | { kind: "tokens"; tokens: TokenResponse }
  | { kind: "consent"; auth: RequiresAuth };

/** undefined for an answer that is none of these; `PROVIDER_UNAVAILABLE` where it is to be asked again. */
export function readPlainAnswer(provider: string, body: unknown): PlainAnswer | undefined {
  const { data } = Answer.safeParse(body);
  if (data?.type === "oauth") return { kind: "code", code: data.oauth.code };
  if (data?.type === "requires_auth")
    return { kind: "consent", auth: { type: "redirect", redirect: { url: data.requires_auth } } };
  if (data?.type === "registering") throw registering(provider, data.retry_after);
  if (data?.type !== "credentials") return undefined;
  const tokens = TokenResponse.safeParse({ token_type: "bearer", ...data.credentials.bearer }).data;
  return tokens && { kind: "tokens", tokens };
}

function registering(provider: string, seconds: number): OrchestratorError {
  return new OrchestratorError("PROVIDER_UNAVAILABLE", {
    problem: `${provider} is getting to know this orchestrator.`,
    nextStep: `Make the same call again in ${seconds} seconds.`,
    details: { provider, retry_after: String(seconds) },
  });
}
