/**
 * What a provider hands back for reaching a resource, split in two: what a program (and a model) may see as it is, and secrets,
 * which go to the vault and leave their handles in their place.
 */
import { z } from "zod";
import { Secret } from "../protocol/index.ts";
import { isSecret } from "./access-secrets.ts";
import { invalid } from "./provider-call.ts";
import type { SealedSecret, Vault } from "./vault.ts";

/** Access values become environment variables and bindings, so their names are those of variables. */
const Access = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/), z.string().max(16_384));

export interface SplitAccess {
  access: Record<string, string>;
  secrets: SealedSecret[];
}

export async function splitAccess(
  vault: Vault,
  { project, provider, resource }: { project: string; provider: string; resource: string },
  configuration: Readonly<Record<string, string>>,
): Promise<SplitAccess> {
  const { data } = Access.safeParse(configuration);
  if (!data) throw invalid(`${provider} names access values that are no variables.`);
  const access: Record<string, string> = {};
  const secrets: SealedSecret[] = [];
  for (const [name, value] of Object.entries(data)) {
    if (isSecret(name, value)) {
      const handle = `cred:${provider}:${resource}:${name}`;
      secrets.push(await vault.seal({ project, handle }, new Secret(value)));
      access[name] = handle;
    } else {
      access[name] = value;
    }
  }
  return { access, secrets };
}
