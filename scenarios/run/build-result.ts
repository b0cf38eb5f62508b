/** Puts a run's result together from what the agent did and what was seen from outside. */
import type { AgentResult } from "../../agent/index.ts";
import { formatDecimal } from "../../protocol/index.ts";
import { type Evidence, NO_SITE } from "../checks/index.ts";
import type { World } from "../world/world.ts";
import type { RunRequest } from "./prepare-run.ts";
import type { Check, RunResult } from "./run-result.ts";
import type { Stage } from "./stages.ts";

export interface ResultParts extends Pick<
  RunRequest,
  "scenario" | "budget" | "model" | "record" | "resumed"
> {
  world: World;
  agent: AgentResult;
  evidence: Evidence;
  checks: Check[];
  warnings: readonly string[];
  stages: Stage[];
  durationMs: number;
}

export function buildResult(parts: ResultParts): RunResult {
  const { scenario, budget, model, record, resumed, world, agent, evidence, checks } = parts;
  // "live" is only what was seen to be: an agent that says so without a site of its own has failed.
  const homeless = checks.some(({ name, passed }) => name === NO_SITE && !passed);
  const site = homeless ? null : evidence.site;
  return {
    scenario: scenario.name,
    passed: checks.every(({ passed }) => passed),
    outcome: agent.outcome === "live" && homeless ? "failed" : agent.outcome,
    url: site?.url ?? null,
    hostname: site?.hostname ?? null,
    hostUrl: hostUrlOf(site?.hostname, world),
    says: evidence.says,
    checks,
    ...moneyOf(evidence, world),
    budget,
    human: [...evidence.asks],
    stages: parts.stages,
    durationMs: parts.durationMs,
    steps: agent.steps,
    tokens: agent.tokens,
    modelCost: agent.modelCost,
    stopReason: agent.stopReason,
    model: model.name,
    world: { ...world.addresses, providers: providersOf(evidence, world) },
    record: record.dir,
    resumed,
    warnings: [...parts.warnings],
    ...(agent.error === undefined ? {} : { error: agent.error }),
  };
}

function hostUrlOf(
  hostname: string | null | undefined,
  { cloudflare: { opened } }: World,
): string | null {
  const own = opened.listSites().some((site) => site.hostname === hostname);
  return own ? `http://${hostname}.localhost:${opened.workersPort}/` : null;
}

/** The providers by their own names, and those that did not answer by where they should have been. */
function providersOf({ catalog }: Evidence, { addresses }: World): Record<string, string> {
  const answered = catalog.providers.map(({ profile, baseUrl }) => [profile.id, baseUrl] as const);
  return { ...addresses.providers, ...Object.fromEntries(answered) };
}

function moneyOf({ payments, caps }: Evidence, { asset }: World) {
  const text = (amount: bigint) => formatDecimal(amount, asset.decimals);
  return {
    payments: payments.map(({ provider, service, amount, payTo, transaction, state }) => ({
      provider,
      service,
      amount: text(amount),
      asset: asset.symbol,
      payTo,
      network: asset.network,
      transaction,
      state,
    })),
    spent: Object.fromEntries(caps.map(({ provider, counted }) => [provider, text(counted)])),
    cap: Object.fromEntries(caps.map(({ provider, cap }) => [provider, text(cap)])),
  };
}
