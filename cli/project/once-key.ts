/**
 * The idempotency key of a change that is being made. It lies in the folder's state until the change is known to be made, so that a
 * command that is repeated after a lost answer asks for the same change and not for a second one.
 */
import { randomUUID } from "node:crypto";
import type { OpenProject } from "./project-command.ts";
import { writeState } from "./project-folder.ts";

/** `what` says all of the change, such as the resource's id and what it becomes; `newKey` makes the key of one that begins. */
export async function withOnceKey<T>(
  { root, state }: OpenProject,
  what: readonly unknown[],
  change: (key: string) => Promise<T>,
  newKey: () => string = randomUUID,
): Promise<T> {
  const { pending } = state.local;
  const name = JSON.stringify(what);
  const key = (pending[name] ??= newKey());
  writeState(root, state);
  const made = await change(key);
  delete pending[name];
  writeState(root, state);
  return made;
}
