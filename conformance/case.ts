/**
 * A case is one promise that a 402-gated endpoint should keep: what is sent, what must be seen, where that is written, and what
 * somebody gains when it is broken. Cases are data and a small check; the engine runs them and judges by their level.
 */
import type { Context } from "./context.ts";

/** The protocol that an endpoint speaks. */
export const PROFILES = ["x402-v2", "x402-v1", "mpp"] as const;
export type Profile = (typeof PROFILES)[number];

/**
 * How far a case goes: 0 looks without paying; 1 attacks with a throw-away key, so that nothing can settle; 2 pays;
 * 3 hosts the facilitator and the work behind the endpoint, and breaks the links between them.
 */
export type Ring = 0 | 1 | 2 | 3;

/**
 * How binding a case is. `must` and `should` are the specification's own words; `stated` is prescribed by it without that keyword
 * (a field table, prose); `policy` and `advice` are ours: `policy` where money or paid access is at risk.
 */
export const LEVELS = {
  must: { label: "MUST of the specification", broken: "fail" },
  stated: { label: "stated by the specification", broken: "fail" },
  should: { label: "SHOULD of the specification", broken: "warn" },
  policy: { label: "our policy: money or paid access is at risk", broken: "fail" },
  advice: { label: "our advice", broken: "warn" },
  info: { label: "for information", broken: "info" },
} as const satisfies Record<string, { label: string; broken: Verdict }>;
export type Level = keyof typeof LEVELS;

export const SEVERITIES = ["critical", "high", "medium", "low"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const VERDICTS = [
  "pass",
  "fail",
  "warn",
  "info",
  /** The case does not apply to this endpoint, or was not asked for. */
  "skip",
  /** It applies, but what was seen does not decide it. */
  "cannot-assess",
  /** The tester itself failed. */
  "harness-error",
] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Where a case is written. */
export interface Basis {
  readonly spec: string;
  readonly section: string;
  readonly url: string;
  /** The sentence, or for policy the reason. */
  readonly quote: string;
  /** The quote is in our words, not the specification's. */
  readonly paraphrased?: true;
}

export interface Case {
  /** Stable: `CHAL-01`. It is never given to another case. */
  readonly id: string;
  /** What holds when it passes, as a sentence. */
  readonly title: string;
  readonly level: Level;
  readonly severity: Severity;
  readonly ring: Ring;
  /** Run once for each of these that is tested; `any` runs once for all. */
  readonly profiles: readonly Profile[] | "any";
  readonly basis: Basis;
  /** Who gains what when it is broken. */
  readonly gains: string;
  /** How to mend it, in two lines at most. */
  readonly mend: string;
  /** CWE number, where one is apt. */
  readonly cwe?: number;
  /** Only with `--load`: it sends many requests, or runs long. */
  readonly load?: true;
  /** How many payments of the endpoint's price it makes at most. None by default. */
  readonly payments?: number;
  /** Begins what takes long, when the case's ring begins, so that it goes on beside the others; `run` comes for it. */
  readonly begin?: (context: Context) => Promise<void>;
  /** An earlier ring that it is begun with, where it waits for longer than its own ring takes. */
  readonly beginsIn?: Ring;
  readonly run: (context: Context) => Promise<Outcome> | Outcome;
}

/** What a check saw. The engine makes a verdict of it. */
export interface Outcome {
  readonly kind: "holds" | "broken" | "noted" | "told" | "skipped" | "unclear";
  readonly seen: string;
  /** Whose doing it is when it is not the endpoint's. */
  readonly by?: "dependency" | "harness";
}

export const holds = (seen: string): Outcome => ({ kind: "holds", seen });
/** Broken: fail, warn or info, as the level says. */
export const broken = (seen: string): Outcome => ({ kind: "broken", seen });
/** Allowed, but worth a look: a warning whatever the level. */
export const noted = (seen: string): Outcome => ({ kind: "noted", seen });
export const told = (seen: string): Outcome => ({ kind: "told", seen });
export const skipped = (seen: string): Outcome => ({ kind: "skipped", seen });
export const unclear = (seen: string): Outcome => ({ kind: "unclear", seen });
/** It cannot be judged because of how the test is set up: what the endpoint does about it is not seen. */
export const unseen = (seen: string): Outcome => ({ kind: "unclear", seen, by: "harness" });

/** Ends a check from within: what it needs is not there, such as a challenge that can be read. */
export class Unassessable extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.seen);
    this.outcome = outcome;
  }
}
