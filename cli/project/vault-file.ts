/**
 * `.projects/vault/vault.json`: the variables of each environment as they were last read, sealed with age, so that an output file can be
 * written again while the orchestrator does not answer. The key lies in the person's own configuration folder, and so never in the
 * repository, whatever is done with that. It is a copy: the orchestrator's vault has the values, and knows nothing of who reads here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { configFile, type Environment } from "./config-folder.ts";
import { activeEnvironment } from "./environments.ts";
import type { OpenProject } from "./project-command.ts";
import { writeNew, writeWhole } from "./project-folder.ts";

const FILE = ".projects/vault/vault.json";
const KEY = "vault.key";

const Kept = z.object({
  version: z.literal(1),
  environments: z.record(z.string(), z.object({ read_at: z.string(), sealed: z.string() })),
});
/** The names are sealed with the values, so that no part can take another's place. */
const Sealed = z.object({
  project: z.string(),
  environment: z.string(),
  values: z.record(z.string(), z.string()),
});

/** Keeps the values of the active environment. */
export async function keepInVault(
  { root, state, id }: OpenProject,
  values: ReadonlyMap<string, string>,
  env: Environment,
): Promise<void> {
  const { armor, Encrypter, generateX25519Identity, identityToRecipient } =
    await import("age-encryption");
  const file = configFile(env, KEY);
  writeNew(file, `${await generateX25519Identity()}\n`, 0o600);
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(readFileSync(file, "utf8").trim()));
  const { name } = activeEnvironment(state);
  const text = JSON.stringify({
    project: id,
    environment: name,
    values: Object.fromEntries(values),
  } satisfies z.input<typeof Sealed>);
  const sealed = armor.encode(await encrypter.encrypt(text));
  const { environments } = readKept(root);
  const known = Object.entries(environments).filter(
    ([one]) => state.shared.environments[one] !== undefined,
  );
  const kept: z.input<typeof Kept> = {
    version: 1,
    environments: {
      ...Object.fromEntries(known),
      [name]: { read_at: new Date().toISOString(), sealed },
    },
  };
  writeWhole(join(root, FILE), `${JSON.stringify(kept, undefined, 2)}\n`, 0o600);
}

/** The active environment's values as they were last kept; undefined where there are none that this person can open. */
export async function readVault(
  { root, state, id }: OpenProject,
  env: Environment,
): Promise<{ values: Map<string, string>; readAt: string } | undefined> {
  const { name } = activeEnvironment(state);
  const kept = readKept(root).environments[name];
  if (!kept) return undefined;
  const { armor, Decrypter } = await import("age-encryption");
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(readFileSync(configFile(env, KEY), "utf8").trim());
    const text = await decrypter.decrypt(armor.decode(kept.sealed), "text");
    const { project, environment, values } = Sealed.parse(JSON.parse(text));
    if (project !== id || environment !== name) return undefined;
    return { values: new Map(Object.entries(values)), readAt: kept.read_at };
  } catch {
    return undefined;
  }
}

function readKept(root: string): z.output<typeof Kept> {
  try {
    return Kept.parse(JSON.parse(readFileSync(join(root, FILE), "utf8")));
  } catch {
    // Not there, or not ours: it is only a copy.
    return { version: 1, environments: {} };
  }
}
