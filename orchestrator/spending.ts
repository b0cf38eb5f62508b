/**
 * Under which limits a purchase counts: the run's budget, the cap of its project and provider in the month, and, where the owner
 * set one, the cap over the whole wallet. The ledger keeps all of them at once, and by its own clock.
 */
import { formatDecimal, type Spend, type SpendHistory } from "../protocol/index.ts";
import type { Ledger, LedgerScope } from "../store/index.ts";
import type { Asker } from "./approvals.ts";
import { type Projects, USD_DECIMALS } from "./projects.ts";
import { isRun, type Run } from "./runs.ts";

const HISTORY_MONTHS = 12;

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

  /** What was paid to each of the providers, month by month, this one first; months in which nothing was are left out. */
  async history(project: string, providers: readonly string[], now: number): Promise<SpendHistory> {
    const months: SpendHistory["months"] = [];
    for (const month of lastMonths(now, HISTORY_MONTHS)) {
      const spent = await Promise.all(
        providers.map(async (provider) => {
          const scope = { name: providerScope(project, provider), perMonth: true };
          const { settled, reserved } = await this.#ledger.spent(scope, month);
          return settled + reserved === 0n
            ? []
            : [{ provider, spent: usd(settled), reserved: usd(reserved) }];
        }),
      );
      if (spent.flat().length > 0) months.push({ month, providers: spent.flat() });
    }
    return { months };
  }
}

/** Who spends: a run, within its budget, or a person's own program. */
type Payer = Run | Asker;

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

/** Such as "2026-11", then "2026-10". */
function lastMonths(now: number, count: number): string[] {
  const date = new Date(now);
  return Array.from({ length: count }, (_, back) =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back)).toISOString().slice(0, 7),
  );
}

function runScope(run: string): string {
  return `run:${run}`;
}

function providerScope(project: string, provider: string): string {
  return `provider:${project}/${provider}`;
}
