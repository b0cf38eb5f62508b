/** What happened in a run, one line an event, in order: the evidence of a failure, and what two runs of a seed are compared by. */
import { createHash } from "node:crypto";
import type { Actor, Scheduler } from "./scheduler.ts";

export class History {
  readonly lines: string[] = [];
  readonly #scheduler: Scheduler;
  readonly #startMs: number;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.#startMs = scheduler.now;
  }

  note(actor: Actor | string, what: string): void {
    const seconds = ((this.#scheduler.now - this.#startMs) / 1000).toFixed(3).padStart(8);
    const who = typeof actor === "string" ? actor : actor.name;
    this.lines.push(`${seconds} ${who.padEnd(6)} ${what}`);
  }

  digest(): string {
    return createHash("sha256").update(this.lines.join("\n")).digest("hex");
  }
}

/** A nonce or hash, short. */
export const short = (hex: string) => hex.slice(2, 8);

/** Thrown where an invariant of the wallet does not hold. */
export class Broken extends Error {
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}
