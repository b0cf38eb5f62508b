/**
 * Which orchestrator a command talks to, and with whose session: the one that the command line names, or the environment, or the
 * project's state, or the local world that lies in this folder or above. A world's own person is signed in where its files can be read.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Secret } from "../../protocol/index.ts";
import { readUrl } from "../arguments.ts";
import { ProjectError } from "./project-error.ts";
import type { LocalState } from "./project-state.ts";
import { SessionsFile } from "./sessions-file.ts";
import { worldSession } from "./world-session.ts";

export interface OrchestratorAddress {
  url: string;
  /** By the command line itself, so that the next one must name it too. */
  isNamed: boolean;
  /** The world's folder, where it is one of this machine that is up. */
  world: string | undefined;
  /** The folder of the world that the project was made in, up or not. */
  knownWorld: string | undefined;
  /** Undefined where nobody is signed in. */
  token: Secret | undefined;
}

export interface AddressSources {
  flag: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  local: LocalState | undefined;
  cwd: string;
  tool: string;
}

/** Throws `ORCHESTRATOR_UNKNOWN` where nothing says which one. */
export function findOrchestrator({
  flag,
  env,
  local,
  cwd,
  tool,
}: AddressSources): OrchestratorAddress {
  const named = flag ?? env["PURSER_ORCHESTRATOR"];
  const world = findWorld(local, cwd);
  const session = world === undefined ? undefined : worldSession(world);
  const url =
    named === undefined
      ? (session?.url ?? local?.orchestrator?.url)
      : readUrl(flag === undefined ? "PURSER_ORCHESTRATOR" : "--orchestrator", named);
  if (url === undefined) throw unknown(tool);
  const isWorlds = session !== undefined && session.url === url;
  const given = env["PURSER_SESSION"];
  const token =
    given !== undefined && given !== ""
      ? new Secret(given)
      : ((isWorlds ? session.token : undefined) ?? new SessionsFile(env).token(url));
  return {
    url,
    isNamed: flag !== undefined,
    world: isWorlds ? world : undefined,
    knownWorld: url === local?.orchestrator?.url ? local.orchestrator.world : world,
    token,
  };
}

function findWorld(local: LocalState | undefined, cwd: string): string | undefined {
  const known = local?.orchestrator?.world;
  if (known !== undefined) return known;
  // A project whose orchestrator is elsewhere does not change it for a world that happens to be near.
  if (local?.orchestrator) return undefined;
  for (let at = cwd; ; at = dirname(at)) {
    const dir = join(at, ".purser", "world");
    if (existsSync(join(dir, "world.json"))) return dir;
    if (at === dirname(at)) return undefined;
  }
}

function unknown(tool: string): ProjectError {
  return new ProjectError("ORCHESTRATOR_UNKNOWN", {
    problem: "No orchestrator is named, and no local world lies in this folder or above.",
    nextStep: `Open a local world with \`purser up\` in another terminal, or name an orchestrator with --orchestrator <url>, then run \`${tool} init\`.`,
    nextSteps: ["purser up"],
  });
}
