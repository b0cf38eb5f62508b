/**
 * `purser renew`: pays the next period of a resource now, at a price that the person agrees to. The orchestrator does so by itself when it is
 * due; this is for what stood in its way, or for a price that has risen.
 */
import { withWord } from "./confirm.ts";
import type { Answer } from "./envelope.ts";
import { withOnceKey } from "./once-key.ts";
import type { ProjectCommand } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { resourceAnswer } from "./resource-answer.ts";
import { findTarget } from "./target.ts";

/** Throws `RENEWAL_NOT_NEEDED` where nothing is billed from period to period. */
export async function renew(command: ProjectCommand, wanted: string): Promise<Answer> {
  const { client, project, resource, name } = await findTarget(command, wanted);
  const paidUntil = resource.billing?.paid_until;
  if (paidUntil === undefined) throw notBilled(name, command.tool);
  const line = `${command.tool} renew ${resource.id}`;
  // The period that it is to follow is the order's key: one that was paid, and whose answer was lost, is not paid for again.
  const renewed = await withOnceKey(
    project,
    ["renew", resource.id],
    (paid_until) =>
      withWord(command, line, ({ quote }) =>
        client.renew(project.id, resource.id, { paid_until, ...(quote ? { quote } : {}) }),
      ),
    () => paidUntil,
  );
  const { named } = await command.read(client, project);
  return resourceAnswer(command, { resource: renewed, named, written: undefined, did: "Renewed" });
}

function notBilled(name: string, tool: string): ProjectError {
  return new ProjectError("RENEWAL_NOT_NEEDED", {
    problem: `${name} is not billed from period to period, so there is nothing to renew.`,
    nextStep: `See what is with \`${tool} status\`.`,
    nextSteps: [`${tool} status`],
  });
}
