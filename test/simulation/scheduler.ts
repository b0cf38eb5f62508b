/**
 * The simulation's only source of order: a queue of events in virtual time. After each one every promise that it set going is run
 * to its next wait, so between two events nothing is half done, and all of it belongs to the actor whose event it was.
 */

/** One life of a process. What is scheduled for one that has died never happens. */
export interface Actor {
  readonly name: string;
  /** What its clock shows beyond virtual time, in ms. */
  skewMs: number;
  alive: boolean;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly actor: Actor | undefined;
  readonly run: () => void;
}

/** The real one, whatever stands in its place during a run. */
const realImmediate = globalThis.setImmediate;

export class Scheduler {
  /** Virtual milliseconds since the epoch. */
  now: number;
  /** Whose event runs just now; undefined for the world's own. */
  current: Actor | undefined;
  steps = 0;
  readonly #queue: Event[] = [];
  #order = 0;

  constructor(startMs: number) {
    this.now = startMs;
  }

  /** What an actor's own clock shows. */
  clockOf(actor: Actor | undefined): number {
    return this.now + (actor?.skewMs ?? 0);
  }

  /** Has something happen after a while; returns what takes it back. */
  schedule(delayMs: number, actor: Actor | undefined, run: () => void): () => void {
    const event = { at: this.now + Math.max(0, delayMs), order: (this.#order += 1), actor, run };
    let low = 0;
    for (let high = this.#queue.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#queue[middle]!.at <= event.at) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, event);
    return () => {
      const index = this.#queue.indexOf(event);
      if (index >= 0) this.#queue.splice(index, 1);
    };
  }

  /** Resolves for the actor after a while; never, if it dies before. */
  sleep(delayMs: number, actor: Actor | undefined): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, actor, resolve));
  }

  /** An actor's question to the world: `work` happens at its time, and the actor hears of it later. */
  ask<T>(actor: Actor, delayMs: number, backMs: number, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.schedule(delayMs, undefined, () => {
        if (!actor.alive) return;
        let answer: () => void;
        try {
          const result = work();
          answer = () => resolve(result);
        } catch (error) {
          answer = () => reject(error);
        }
        this.schedule(backMs, actor, answer);
      });
    });
  }

  /** Runs the next event, up to a time; false when there is none left. */
  async step(untilMs: number): Promise<boolean> {
    const event = this.#queue[0];
    if (!event || event.at > untilMs) return false;
    this.#queue.shift();
    this.now = event.at;
    this.steps += 1;
    if (event.actor?.alive === false) return true;
    this.current = event.actor;
    event.run();
    if (event.actor) await new Promise((resolve) => realImmediate(resolve));
    this.current = undefined;
    return true;
  }
}
