/**
 * An account request as whoever signed it says it, in the strict form or in APP 0.1d's own, read once and checked here: everything that
 * is refused before it is looked whether there is an account.
 */
import { z } from "zod";
import {
  AccountRequest,
  type MandateClaims,
  PlainAccountRequest,
  valuesError,
} from "../../protocol/index.ts";
import type { JsonSchema } from "./definition.ts";
import { ProvisioningError } from "./error.ts";
import { parseJson } from "./parse-json.ts";
import type { Profile } from "./profiles.ts";
import { DEFAULT_SCOPE, isScope, SCOPE_NAMES } from "./scopes.ts";
import type { TrustedIssuer } from "./trust.ts";

/** What a new account is set up with. */
export type AccountSettings = Readonly<Record<string, string>>;

/** What is asked, whichever way it was said. */
export type Asked = Pick<
  AccountRequest,
  | "id"
  | "email"
  | "name"
  | "scopes"
  | "expires_at"
  | "orchestrator"
  | "client_id"
  | "agent"
  | "terms"
> & {
  readonly mandate?: string | undefined;
  readonly identity_assertion?: string | undefined;
  readonly code_challenge?: string | undefined;
  readonly configuration?: AccountSettings | undefined;
  readonly kyc: { readonly verified_fields: readonly string[] };
  /** False where scopes of others' naming are left out, and not refused. */
  readonly ownScopes?: boolean;
};

/** Throws `invalid_request`, `account_request_expired`, `forbidden` or `email_not_verified`. */
export function readAccountRequest(body: string, signer: TrustedIssuer, now: number): Asked {
  const request = READERS[signer.profile](body, signer);
  checkRequest(request, signer, now);
  return request;
}

/** What is asked for, separated by spaces; throws `invalid_scope` where there is no such thing. */
export function readScopes({ scopes: asked, ownScopes = true }: Asked): string {
  const scopes = ownScopes ? asked : asked.filter(isScope);
  const unknown = scopes.find((name) => !isScope(name));
  if (unknown === undefined) return [...new Set(scopes)].join(" ") || DEFAULT_SCOPE;
  throw new ProvisioningError("invalid_scope", {
    problem: `There is no scope "${unknown}" here.`,
    nextStep: `Ask for ${SCOPE_NAMES.join(", ")}, or for none.`,
  });
}

/** What the account is to be set up with; throws `invalid_configuration` where the provider does not take that. */
export function readSettings(
  { configuration = {} }: Asked,
  schema: JsonSchema | undefined,
): AccountSettings {
  const error = valuesError(schema ?? { additionalProperties: false }, configuration);
  if (!error) return configuration;
  throw new ProvisioningError("invalid_configuration", {
    problem: `The account cannot be set up like this: ${z.prettifyError(error)}.`,
    nextStep: "Give what the catalog's provider.configuration_schema describes.",
  });
}

/** Which project it is for: the mandate's, or the user's only one. */
export function projectOf(mandate: MandateClaims | undefined, { orchestrator }: Asked): string {
  return mandate?.sub ?? `${orchestrator.type}:${orchestrator.account}`;
}

/** By profile. */
const READERS: Readonly<Record<Profile, (body: string, signer: TrustedIssuer) => Asked>> = {
  strict: (body) => readShape(AccountRequest, body),
  stripe: (body, { clientId: client_id }) => {
    const {
      orchestrator,
      kyc,
      mandate: _,
      configuration,
      ...request
    } = readShape(PlainAccountRequest, body);
    const { account } = orchestrator.stripe;
    return {
      ...request,
      client_id,
      code_challenge_method: "S256",
      ...(configuration && { configuration: textsOf(configuration) }),
      kyc: kyc ?? { verified_fields: [] },
      orchestrator: { type: orchestrator.type, account },
      ownScopes: false,
    };
  },
};

function readShape<Schema extends z.ZodType>(schema: Schema, body: string): z.output<Schema> {
  const { data, error } = schema.safeParse(parseJson(body));
  if (!error) return data;
  throw new ProvisioningError("invalid_request", {
    problem: `The account request is not one of APP 0.1d: ${z.prettifyError(error)}.`,
    nextStep: "Send every field that the protocol asks for.",
  });
}

/** Numbers and booleans as their texts, as an environment would have them. Throws `invalid_configuration` for anything else. */
function textsOf(configuration: Readonly<Record<string, unknown>>): AccountSettings {
  const texts = z.record(z.string(), z.union([z.string().max(1000), z.number(), z.boolean()]));
  const { data } = texts.safeParse(configuration);
  if (data) return Object.fromEntries(Object.entries(data).map(([key, one]) => [key, String(one)]));
  throw new ProvisioningError("invalid_configuration", {
    problem: "The account's configuration has more in it than texts, numbers and booleans.",
    nextStep: "Give what the catalog's provider.configuration_schema describes.",
  });
}

function checkRequest(request: Asked, signer: TrustedIssuer, now: number): void {
  if (Date.parse(request.expires_at) <= now) {
    throw new ProvisioningError("account_request_expired", {
      problem: `The account request expired at ${request.expires_at}.`,
      nextStep: "Make a new one.",
    });
  }
  if (request.client_id !== signer.clientId) {
    throw new ProvisioningError("forbidden", {
      problem: "The account request names a client that is not the signer's.",
      nextStep: "Use the client id that this provider knows you by.",
    });
  }
  if (!request.kyc.verified_fields.includes("email")) {
    throw new ProvisioningError("email_not_verified", {
      problem: "The user's e-mail is not verified.",
      nextStep: "Verify it, and say so in kyc.verified_fields.",
    });
  }
}
