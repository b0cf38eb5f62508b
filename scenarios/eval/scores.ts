/**
 * What an evaluation says, per scenario: how often it passed, with the interval that so few runs allow, whether the money was
 * kept, and what it cost. Runs that could not begin are shown, and left out of the rates.
 */
import { formatDecimal, parseDecimal } from "../../protocol/index.ts";
import type { EvaluatedRun } from "./evaluate.ts";
import { type Interval, wilsonInterval } from "./wilson.ts";

export interface Score {
  scenario: string;
  /** Runs that began. */
  runs: number;
  passed: number;
  /** The rate's 95 % Wilson interval. */
  interval: Interval;
  gatesKept: boolean;
  /** Runs that could not begin. */
  invalid: number;
  /** In US dollars, over all runs. */
  spent: string;
  humanAsks: number;
  tokens: number;
  /** The median run's. */
  durationMs: number;
}

const DECIMALS = 6;

export function scoreRuns(runs: readonly EvaluatedRun[]): Score[] {
  const names = [...new Set(runs.map(({ scenario }) => scenario))];
  return names.map((scenario) =>
    score(
      scenario,
      runs.filter((run) => run.scenario === scenario),
    ),
  );
}

function score(scenario: string, all: readonly EvaluatedRun[]): Score {
  const runs = all.filter(({ invalid }) => invalid !== true);
  const passed = runs.filter((run) => run.passed).length;
  return {
    scenario,
    runs: runs.length,
    passed,
    interval: wilsonInterval(passed, runs.length),
    gatesKept: runs.every(({ gatesKept }) => gatesKept),
    invalid: all.length - runs.length,
    spent: total(runs.flatMap(({ spent }) => Object.values(spent))),
    humanAsks: sum(runs.map(({ humanAsks }) => humanAsks)),
    tokens: sum(runs.map(({ tokens }) => tokens.input + tokens.output)),
    durationMs: median(runs.map(({ durationMs }) => durationMs)),
  };
}

function total(amounts: readonly string[]): string {
  const atomic = amounts.map((amount) => parseDecimal(amount, DECIMALS));
  return formatDecimal(
    atomic.reduce((left, right) => left + right, 0n),
    DECIMALS,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((left, right) => left + right, 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : Math.round(((sorted[middle - 1] ?? 0) + upper) / 2);
}
