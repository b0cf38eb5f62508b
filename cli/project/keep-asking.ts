/**
 * Asks again and again for what takes somebody else time: a person who consents, a provider that makes something. Where nobody answers for a
 * while it waits on, twice as long each time (RFC 8628, section 3.5); any other refusal ends it.
 */
import { setTimeout } from "node:timers/promises";
import { PurserError } from "../../protocol/error.ts";
import type { Clock } from "../surroundings.ts";

/** What one ask has come to: an answer, or nothing yet and when to ask again. */
export type Asked<T> = { answer: T } | { againInMs: number };

export interface Patience {
  signal: AbortSignal;
  /** The process's own by default. */
  clock: Clock | undefined;
  longestMs: number;
  /** Between two asks, where the first of them does not say. */
  stepMs: number;
  /** No pause before the first ask. */
  atOnce?: boolean;
}

const PROCESS_CLOCK: Clock = {
  now: () => performance.now(),
  pause: (ms, signal) => setTimeout(ms, undefined, { signal }),
};
const LONGEST_PAUSE_MS = 30_000;
/** The same ask may be answered later. */
const PASSING: ReadonlySet<string> = new Set(["ORCHESTRATOR_UNREACHABLE", "PROVIDER_UNAVAILABLE"]);

/** The answer, or undefined where there is none in time; where time ends while nobody answers, that failure is thrown. */
export async function keepAsking<T>(
  ask: () => Promise<Asked<T>>,
  { signal, clock = PROCESS_CLOCK, longestMs, stepMs, atOnce = false }: Patience,
): Promise<T | undefined> {
  const until = clock.now() + longestMs;
  let pauseMs = stepMs;
  if (!atOnce) await clock.pause(pauseMs, signal);
  for (;;) {
    let failure: PurserError | undefined;
    try {
      const asked = await ask();
      if ("answer" in asked) return asked.answer;
      pauseMs = asked.againInMs;
    } catch (error) {
      if (!(error instanceof PurserError) || !PASSING.has(error.code)) throw error;
      failure = error;
      pauseMs = Math.max(pauseMs, Math.min(pauseMs * 2, LONGEST_PAUSE_MS));
    }
    if (clock.now() + pauseMs > until) {
      if (failure) throw failure;
      return undefined;
    }
    await clock.pause(pauseMs, signal);
  }
}
