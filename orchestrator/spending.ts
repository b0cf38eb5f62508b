/**
 * Under which limits a purchase counts: the run's budget, the cap of its project and provider in the month, and, where the owner
 * set one, the cap over the whole wallet. The ledger keeps all of them at once, and by its own clock.
 */
import { formatDecimal, type Spend } from "../protocol/index.ts";
import type { Ledger, LedgerScope } from "../store/index.ts";
import type { Asker } from "./approvals.ts";
import { type Projects, USD_DECIMALS } from "./projects.ts";
import type { Run } from "./runs.ts";

export class Spending {
  readonly #ledger: Ledger;
  readonly #projects: Projects;
  readonly #walletCap: bigint | undefined;
  readonly #walletScope: (project: string) => string;

  constructor({ ledger, projects, walletCap, walletScope }: SpendingOptions) {
    this.#ledger = ledger;
    this.#projects = projects;
    this.#walletCap = walletCap;
    this.#walletScope = walletScope;
  }

  /** A person's own program has no budget; the caps hold for it as for everybody. */
  scopes(run: Payer, provider: string): LedgerScope[] {
    const { amount } = this.#projects.cap(run.project, provider);
    const scopes: LedgerScope[] = [
      ...(isRun(run) ? [run, ...run.starters] : []).map(({ id, budget: max }) => {
        return { name: runScope(id), kind: "budget" as const, max, perMonth: false };
      }),
      { name: providerScope(run.project, provider), kind: "cap", max: amount, perMonth: true },
    ];
    if (this.#walletCap !== undefined) {
      scopes.push({
        name: this.#walletScope(run.project),
        kind: "cap",
        max: this.#walletCap,
        perMonth: true,
      });
    }
    return scopes;
  }

  /** What a run may spend: no more than is left to any run that it was started by. */
  async budget(run: Run): Promise<{ total: string; available: string }> {
    const lefts = [run, ...run.starters].map(async ({ id, budget }) => {
      const { settled, reserved } = await this.#ledger.spent({
        name: runScope(id),
        perMonth: false,
      });
      return budget - settled - reserved;
    });
    const available = (await Promise.all(lefts)).reduce((least, left) =>
      left < least ? left : least,
    );
    return { total: usd(run.budget), available: usd(available) };
  }

  async ofProvider(project: string, provider: string): Promise<Spend> {
    const name = providerScope(project, provider);
    const { settled, reserved } = await this.#ledger.spent({ name, perMonth: true });
    const { amount } = this.#projects.cap(project, provider);
    return { provider, cap: usd(amount), spent: usd(settled), reserved: usd(reserved) };
  }
}

/** Who spends: a run, within its budget, or a person's own program. */
type Payer = Run | Asker;

function isRun(payer: Payer): payer is Run {
  return "budget" in payer;
}

export interface SpendingOptions {
  ledger: Ledger;
  projects: Projects;
  /** Atomic units per UTC month, over all projects and providers. */
  walletCap: bigint | undefined;
  /** The name of the scope that it holds in. */
  walletScope: (project: string) => string;
}

export function usd(amount: bigint): string {
  return formatDecimal(amount, USD_DECIMALS);
}

function runScope(run: string): string {
  return `run:${run}`;
}

function providerScope(project: string, provider: string): string {
  return `provider:${project}/${provider}`;
}
