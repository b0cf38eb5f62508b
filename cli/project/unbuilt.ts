/** The published words that have no meaning here say so, with their code and the reason. */
import { ProjectError } from "./project-error.ts";

export function refuseUnbuilt(name: string, reason: string, nextStep: string): never {
  throw new ProjectError("NOT_SUPPORTED", {
    problem: `\`${name}\` is not built. ${reason}`,
    nextStep,
  });
}
