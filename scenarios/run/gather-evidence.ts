/**
 * Collects what the checks look at when the agent has ended: the ledger and the chain, what the provider registered and
 * serves, what the human was asked. Nothing here is the agent's word.
 */
import type { Address, Hex } from "viem";
import type { AgentResult } from "../../agent/index.ts";
import { parseDecimal, type TraceLine } from "../../protocol/index.ts";
import type { Evidence, LedgerPayment } from "../checks/index.ts";
import type { Scenario } from "../format/scenario.ts";
import type { World } from "../world/world.ts";
import type { ResultAsk } from "./run-result.ts";

export interface GatherOptions {
  world: World;
  scenario: Scenario;
  /** Atomic units. */
  budget: bigint;
  project: string;
  run: string;
  agent: AgentResult;
  lines: readonly TraceLine[];
}

export async function gatherEvidence(options: GatherOptions): Promise<Evidence> {
  const { world, scenario, budget, project, run, agent, lines } = options;
  const { orchestrator, cloudflare, chain, asset, walletAddress, ledger } = world;
  const [overview, reports, entries, transfers, { catalog }] = await Promise.all([
    orchestrator.project(project),
    orchestrator.payments(project),
    ledger.list(),
    walletAddress === undefined ? [] : chain.transfersFrom(walletAddress),
    orchestrator.catalog(),
  ]);
  const accounts = overview.connections.map(({ provider, account_id: accountId }) => ({
    provider,
    accountId,
  }));
  const own = accounts.find(({ provider }) => provider === "cloudflare");
  const sites = cloudflare.opened
    .listSites()
    .filter(({ accountId }) => accountId === own?.accountId);
  const registrations = own ? cloudflare.opened.listRegistrations(own.accountId) : [];
  const { url, hostname } = agent;
  return {
    scenario,
    outcome: agent.outcome,
    says: agent.answer ?? agent.reason ?? null,
    site: url === undefined ? null : { url, hostname: hostname ?? null },
    ownSites: [
      ...sites.map(({ port }) => `http://127.0.0.1:${port}`),
      ...foreignSites(lines, "cloudflare"),
    ],
    payments: reports.map(
      ({ id, provider, service, inputs, amount, payTo, state, transaction }): LedgerPayment => ({
        purchase: id,
        provider,
        service,
        inputs,
        amount: parseDecimal(amount, asset.decimals),
        payTo: payTo as Address,
        state,
        transaction: (transaction as Hex | undefined) ?? null,
      }),
    ),
    wallet: {
      payments: entries.map(
        ({ purchase, provider, service, amount, payTo, state, transaction }) => ({
          purchase,
          provider,
          service,
          inputs: {},
          amount,
          payTo,
          state,
          transaction: transaction ?? null,
        }),
      ),
      transfers,
    },
    caps: overview.spend.map(({ provider, cap, spent, reserved }) => ({
      provider,
      cap: parseDecimal(cap, asset.decimals),
      counted: parseDecimal(spent, asset.decimals) + parseDecimal(reserved, asset.decimals),
    })),
    budget,
    accounts,
    registrations: registrations.map(({ domain, accountId }) => ({
      provider: "cloudflare",
      domain,
      accountId,
    })),
    catalog,
    asks: orchestrator
      .asks(project)
      .filter((ask) => ask.run === run)
      .map(({ kind, question, answer, provider }): ResultAsk => ({
        kind,
        question,
        answer,
        ...(provider === null ? {} : { provider }),
      })),
    fetch,
  };
}

/**
 * Sites at the user's own providers, which we cannot ask whose they are: the addresses that the provider's answers to the
 * deployments named, as the deploy tool (and not the model) wrote them down.
 */
function foreignSites(lines: readonly TraceLine[], local: string): string[] {
  return lines.flatMap((line) =>
    line.type === "deploy" && line.url !== undefined && !line.service.startsWith(`${local}/`)
      ? [new URL(line.url).origin]
      : [],
  );
}
