/**
 * The world's servers outlive a run; their events and their questions belong to the run that attends. In a world that nobody
 * attends, events are not kept and everything is declined.
 */
import type { Human, HumanAnswer, HumanAsk, Trace, TraceEvent } from "../../protocol/index.ts";

export interface Attendant {
  trace: Trace;
  human: Human;
}

export class Attendance implements Trace, Human {
  #attendants: readonly Attendant[] = [];

  append(event: TraceEvent): void {
    for (const { trace } of this.#attendants) trace.append(event);
  }

  /** The one who came last answers. */
  ask(ask: HumanAsk): Promise<HumanAnswer> {
    const attendant = this.#attendants.at(-1);
    if (attendant) return attendant.human.ask(ask);
    return Promise.resolve({ answer: ask.kind === "question" ? "(nobody is there)" : "decline" });
  }

  /** Until it is disposed, the attendant gets every event, and its human is asked. */
  attend(attendant: Attendant): Disposable {
    this.#attendants = [...this.#attendants, attendant];
    return {
      [Symbol.dispose]: () => {
        this.#attendants = this.#attendants.filter((other) => other !== attendant);
      },
    };
  }
}
