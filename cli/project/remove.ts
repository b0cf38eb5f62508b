/**
 * `purser remove`: its provider deletes a resource, which is found by its immutable id before anything is done. Or, where the provider is to
 * keep it, only its credentials are forgotten, or that the project has it.
 */
import type { RemoveOrder } from "../../protocol/index.ts";
import { confirmOnce, destructive, withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { syncIfWanted } from "./env-sync.ts";
import type { ProjectCommand, ProjectFlags } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { resourceData } from "./resource-answer.ts";
import { findTarget, type Target } from "./target.ts";

export interface RemoveFlags extends ProjectFlags {
  onlyCredentials?: true;
  untrack?: true;
}

interface Way {
  flag: string;
  only?: NonNullable<RemoveOrder["only"]>;
  question: string;
  did: string;
  /** What is still so afterwards. */
  remains?: string;
}

/** Throws `CONFIG_INVALID` where both are said. */
export async function remove(
  command: ProjectCommand<RemoveFlags>,
  wanted: string,
): Promise<Answer> {
  const { onlyCredentials = false, untrack = false } = command.flags;
  if (onlyCredentials && untrack) throw oneOrTheOther();
  const target = await findTarget(command, wanted);
  const { client, project, resource, name } = target;
  const { flag, only, question, did, remains } = wayOf(target, { onlyCredentials, untrack });
  const { tool } = command;
  const line = `${tool} remove ${resource.id}${flag}`;
  await confirmOnce(command, line, question);
  const removed = await withWord(command, line, ({ confirm = [] }) =>
    client.remove(project.id, resource.id, {
      ...(only ? { only } : {}),
      confirm: destructive(confirm),
    }),
  );
  await command.read(client, project);
  const written = await syncIfWanted(command, client, project);
  return {
    data: { resource: resourceData(name, removed), ...(written ? { env: written } : {}) },
    lines: [`${did} ${name}: ${resource.service} (${resource.id})`],
    warnings: [...(remains === undefined ? [] : [remains]), ...(written?.warnings ?? [])],
    nextSteps: written ? [] : [`${tool} env --pull`],
  };
}

function wayOf(
  { name, resource: { service, id, billing } }: Target,
  { onlyCredentials, untrack }: { onlyCredentials: boolean; untrack: boolean },
): Way {
  const what = `${name} (${service}, ${id})`;
  if (onlyCredentials)
    return {
      flag: " --only-credentials",
      only: "credentials",
      question: `Forget the credentials of ${what}? Its provider keeps it, and them; only \`rotate\` brings it new ones.`,
      did: "Forgot the credentials of",
      remains: "At the provider the credentials are good until they are rotated.",
    };
  if (untrack)
    return {
      flag: " --untrack",
      only: "tracking",
      question: `Give up ${what}? Its provider keeps it and what is in it; here it is listed and renewed no more.`,
      did: "Gave up",
      remains: billing
        ? "Its provider keeps it, and is not paid for its next period: it ends by the provider's own terms, and until then may count what is used."
        : "Its provider keeps it, and its credentials stay good there.",
    };
  return {
    flag: "",
    question: `Remove ${what}? Its provider deletes it and what is in it.`,
    did: "Removed",
  };
}

function oneOrTheOther(): ProjectError {
  return new ProjectError("CONFIG_INVALID", {
    problem: "--only-credentials keeps a resource in the project, and --untrack gives it up.",
    nextStep: "Say one of them.",
  });
}
