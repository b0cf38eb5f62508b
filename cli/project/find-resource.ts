/**
 * Which resource is meant: by its immutable id, by the name it has in this folder, or by its service where the project has one of it.
 * What could be two is refused with both ids, so that nothing is ever done to the wrong one.
 */
import { ProjectError } from "./project-error.ts";
import type { NamedResource } from "./project-state.ts";

/** Throws `RESOURCE_NOT_FOUND` or `RESOURCE_AMBIGUOUS`. */
export function findResource(
  named: readonly NamedResource[],
  wanted: string,
  tool: string,
): NamedResource {
  const byId = named.find(({ resource }) => resource.id === wanted);
  if (byId) return byId;
  const fitting = named.filter(
    ({ name, resource }) => name === wanted || resource.service === wanted,
  );
  const [only, ...others] = fitting;
  if (only === undefined) {
    const known = named.map(({ name, resource }) => `${name} (${resource.id})`).join(", ");
    throw new ProjectError("RESOURCE_NOT_FOUND", {
      problem: `The project has no resource "${wanted.slice(0, 100)}".`,
      nextStep: known === "" ? "It has none at all." : `It has ${known}.`,
      nextSteps: [`${tool} services list`],
    });
  }
  if (others.length === 0) return only;
  throw new ProjectError("RESOURCE_AMBIGUOUS", {
    problem: `"${wanted.slice(0, 100)}" could be ${fitting.map(({ name, resource }) => `${name} (${resource.id})`).join(" or ")}.`,
    nextStep: "Name it by its id.",
    nextSteps: [`${tool} services list`],
  });
}
