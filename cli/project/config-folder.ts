/** The person's own configuration folder (`~/.config/purser`), for what belongs to them and to no repository. */
import { homedir } from "node:os";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

export function configFile(env: Environment, name: string): string {
  const config = env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? homedir(), ".config");
  return join(config, "purser", name);
}
