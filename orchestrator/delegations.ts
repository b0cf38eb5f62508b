/**
 * A run hands a part of what it may to a sub-agent, as a run with a token of its own: less budget, fewer providers, an earlier end,
 * and never more. The ledger counts what the sub-agent spends for every run above it too, so splitting a budget makes no money.
 */
import {
  type Delegation,
  type DelegationOrder,
  formatDecimal,
  parseDecimal,
} from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";
import { USD_DECIMALS } from "./projects.ts";
import { allows, type Run, type Runs } from "./runs.ts";

/** How many runs stand above one another, and how many one may have started that still go on. */
const MAX_DEPTH = 8;
const MAX_STARTED = 100;

/** Starts the sub-agent's run; throws `DELEGATION_WIDER`, `DELEGATION_LIMIT` or `AMOUNT_INVALID`. */
export function delegate(runs: Runs, run: Run, order: DelegationOrder): Delegation {
  const budget = order.budget === undefined ? run.budget : parseDecimal(order.budget, USD_DECIMALS);
  const providers = order.providers ?? run.providers;
  const expiresAt = order.expires_at === undefined ? run.expiresAt : Date.parse(order.expires_at);
  const wider =
    budget > run.budget
      ? "budget"
      : expiresAt > run.expiresAt
        ? "expires_at"
        : order.providers?.find((provider) => !allows(run, provider));
  if (wider !== undefined) throw tooWide(wider);
  if (run.starters.length + 1 >= MAX_DEPTH || runs.countStarted(run) >= MAX_STARTED)
    throw tooMany();
  const { runId, token } = runs.start({ project: run.project, budget, providers, expiresAt }, run);
  return {
    id: runId,
    token: token.reveal(),
    budget: formatDecimal(budget, USD_DECIMALS),
    providers: providers === undefined ? null : [...providers],
    expires_at: new Date(expiresAt).toISOString(),
  };
}

function tooWide(what: string): OrchestratorError {
  return new OrchestratorError("DELEGATION_WIDER", {
    problem: `A run can only hand on what it has, and this asks for more: ${JSON.stringify(what.slice(0, 100))}.`,
    nextStep: "Ask for at most this run's budget, its providers and its hour.",
  });
}

function tooMany(): OrchestratorError {
  return new OrchestratorError("DELEGATION_LIMIT", {
    problem: `A run may have ${MAX_STARTED} runs under it that go on, ${MAX_DEPTH} levels deep.`,
    nextStep: "Revoke runs that are done, or do the work in this one.",
  });
}
