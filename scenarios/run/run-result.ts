/**
 * What a run came to, for a program: the one object that `purser run --json` prints and that `result.json` keeps.
 * Amounts are decimal text. Everything in it was seen from outside; what the agent claims is only ever its `says`.
 */
import type { ErrorBody, HumanAskKind } from "../../protocol/index.ts";

export type Outcome = "live" | "answered" | "refused" | "failed";

/** One thing that had to hold. */
export interface Check {
  name: string;
  passed: boolean;
  /** One sentence for a person: what was seen, and what was wanted. */
  detail: string;
  /** True for what must hold in every run, whatever the scenario expects: the money was kept. */
  gate?: true;
}

export interface ResultPayment {
  provider: string;
  service: string;
  amount: string;
  /** The token's symbol, such as "USDC". */
  asset: string;
  payTo: string;
  network: string;
  transaction: string | null;
  state: string;
}

export interface ResultAsk {
  kind: HumanAskKind;
  answer: string;
  question: string;
  provider?: string;
}

/** Where the parties of the run's world are reached. */
export interface WorldAddresses {
  rpcUrl: string;
  facilitatorUrl: string;
  orchestratorUrl: string;
  providers: Record<string, string>;
}

export interface RunResult {
  scenario: string;
  /** Every check passed. */
  passed: boolean;
  outcome: Outcome;
  /** Can be fetched as it stands on this machine. */
  url: string | null;
  hostname: string | null;
  /** The same by its hostname, for a browser (`*.localhost` resolves there), or null for a site elsewhere. */
  hostUrl: string | null;
  /** The agent's last words: its answer, or why it stopped. */
  says: string | null;
  checks: Check[];
  payments: ResultPayment[];
  /** In US dollars, by provider. */
  spent: Record<string, string>;
  /** In US dollars a month, by provider. */
  cap: Record<string, string>;
  budget: string;
  human: ResultAsk[];
  stages: { name: string; durationMs: number }[];
  /** From the start of the program to the end of the proof. */
  durationMs: number;
  steps: number;
  tokens: { input: number; output: number };
  /** In US dollars, or null when the model's price is not known. */
  modelCost: string | null;
  stopReason: string | null;
  model: string;
  /** Null when the world never opened. */
  world: WorldAddresses | null;
  /** The folder with the record of the run, or null when none was made. */
  record: string | null;
  resumed: boolean;
  /** Such as a provider that could not be used. */
  warnings: string[];
  error?: ErrorBody;
}

/** A run that ended before it did anything. */
export function emptyResult(about: {
  scenario: string;
  model: string;
  budget: string;
  error: ErrorBody;
  record?: string;
}): RunResult {
  const { scenario, model, budget, error, record = null } = about;
  return {
    scenario,
    passed: false,
    outcome: "failed",
    url: null,
    hostname: null,
    hostUrl: null,
    says: null,
    checks: [],
    payments: [],
    spent: {},
    cap: {},
    budget,
    human: [],
    stages: [],
    durationMs: 0,
    steps: 0,
    tokens: { input: 0, output: 0 },
    modelCost: null,
    stopReason: null,
    model,
    world: null,
    record,
    resumed: false,
    warnings: [],
    error,
  };
}
