/** The published words that have no meaning here yet say so, with their code. */
import { ProjectError } from "./project-error.ts";

export function refuseUnbuilt(name: string, nextStep: string): never {
  throw new ProjectError("NOT_SUPPORTED", { problem: `\`${name}\` is not built.`, nextStep });
}
