/** `add <provider>` and `add @category`: which of the services is meant is the person's to say; where nobody can be asked, they are named. */
import { priceText, readCatalog } from "./catalog.ts";
import type { ProjectCommand } from "./project-command.ts";
import { ProjectError } from "./project-error.ts";
import { isReference } from "./explain.ts";

/** A question with more answers than that helps nobody. */
const MAX_CHOICES = 20;

/** The service's reference. Throws `SERVICE_CHOICE_REQUIRED`, or as `catalog` does. */
export async function chooseService(command: ProjectCommand, what: string): Promise<string> {
  const { data } = await readCatalog(command, what);
  const services = data.services.filter(({ reference }) => isReference(reference));
  const shown = services.slice(0, MAX_CHOICES);
  const references = shown.map(({ reference }) => reference);
  if (references.length === 0) throw nothing(what, command.tool);
  const choices = shown.map((service) => `${service.reference}  ${priceText(service)}`);
  const answer = await command.choose(`Which service of ${what}?`, choices);
  const chosen = references[choices.indexOf(answer ?? "")] ?? answer;
  if (chosen !== undefined && references.includes(chosen)) return chosen;
  const more = services.length > shown.length ? `, and ${services.length - shown.length} more` : "";
  throw new ProjectError("SERVICE_CHOICE_REQUIRED", {
    problem: `${what} is ${references.join(" or ")}${more}.`,
    nextStep: `Say which: \`${command.tool} add <provider>/<service>\`.`,
    nextSteps: references.map((reference) => `${command.tool} add ${reference}`),
  });
}

function nothing(what: string, tool: string): ProjectError {
  return new ProjectError("SERVICE_CHOICE_REQUIRED", {
    problem: `The catalog has nothing of ${what.slice(0, 60)}.`,
    nextStep: `Look at all of it with \`${tool} catalog\`.`,
    nextSteps: [`${tool} catalog`],
  });
}
