/** A case for a client: a trap, what falling into it looks like, and a safe twin without which a client that pays nothing would pass. */
import type { Case } from "../case.ts";
import { HONEST, type Scene, type Seen } from "./scene.ts";

export interface ClientCase extends Omit<Case, "run" | "ring" | "payments"> {
  /** It pays. */
  readonly ring: 2;
  /** Each is a trap of its own, under the one promise. */
  readonly traps: readonly Scene[];
  /** Default: an honest shop. */
  readonly twin?: Scene;
  /** What it did wrong, as a sentence without its subject's name; undefined where it did not fall into the trap. */
  readonly findFault: (seen: Seen) => string | undefined;
}

/** What it must buy. */
export function twinOf({ twin = HONEST }: ClientCase): Scene {
  return twin;
}
