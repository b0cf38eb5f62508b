/** What a new account at a provider is set up with: the person's words, checked against what the provider says that it takes. */
import { z } from "zod";
import type { ProviderProfile } from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";
import { misfits } from "./service-configuration.ts";

export type AccountConfiguration = Readonly<Record<string, string>>;

/** Why it cannot be sent; undefined where it can. A schema that cannot be read refuses nothing: the provider will say. */
export function misfit(
  { id, configuration_schema: schema }: ProviderProfile,
  configuration: AccountConfiguration,
): string | undefined {
  if (schema === undefined) {
    return Object.keys(configuration).length === 0
      ? undefined
      : `${id} takes no settings for an account`;
  }
  const error = misfits(schema, configuration);
  return error && `it does not fit its configuration_schema: ${z.prettifyError(error)}`;
}

/** Throws `INPUT_INVALID` before the provider hears of it. */
export function checkAccountConfiguration(
  profile: ProviderProfile,
  configuration: AccountConfiguration,
): void {
  const why = misfit(profile, configuration);
  if (why === undefined) return;
  throw new OrchestratorError("INPUT_INVALID", {
    problem: `The settings for an account at ${profile.id} cannot be used: ${why}.`,
    nextStep: "Give what the catalog's provider_configuration_schema describes, or leave them out.",
    details: { provider: profile.id },
  });
}
