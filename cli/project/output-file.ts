/**
 * Which files an environment may be written to: one in the project's folder that is known by its name to hold variables, so that a
 * slip of the finger never has secrets written into a source file.
 */
import { basename, isAbsolute, normalize, sep } from "node:path";
import { plain } from "../terminal.ts";
import { ProjectError } from "./project-error.ts";
import type { ProjectState } from "./project-state.ts";

const NAME = /^\.env(\..+)?$|^\.dev\.vars(\..+)?$|.\.env$/;
const OURS = new Set([".git", ".projects"]);

/** As it stands in the state, with slashes. Throws `CONFIG_INVALID` or `ENVIRONMENT_OUTPUT_TAKEN`. */
export function readOutput(text: string, state: ProjectState, environment: string): string {
  const file = normalize(text);
  const parts = file.split(sep);
  const leaves = isAbsolute(file) || parts[0] === ".." || OURS.has(parts[0] ?? "");
  if (leaves || !NAME.test(basename(file)) || file.length > 200) {
    throw new ProjectError("CONFIG_INVALID", {
      problem: `"${plain(text, 100)}" is no file for variables in this project.`,
      nextStep:
        "Name one in the project's folder, such as .env.dev, apps/web/.env.local or .dev.vars.",
    });
  }
  const output = parts.join("/");
  const other = Object.entries(state.shared.environments).find(
    ([name, taken]) => name !== environment && taken.output === output,
  );
  if (!other) return output;
  throw new ProjectError("ENVIRONMENT_OUTPUT_TAKEN", {
    problem: `${output} is the output file of the environment ${other[0]}.`,
    nextStep: "Give each environment a file of its own.",
  });
}
