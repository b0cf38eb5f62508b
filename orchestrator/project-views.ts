/** What a project has and has spent, as an agent's run sees it, and as the project's owner does. No secret is ever in it. */
import { z } from "zod";
import {
  type Connection,
  type ProjectStatus,
  type PurchaseRecord,
  type Resource,
  type Spend,
  providerOf,
} from "../protocol/index.ts";
import type { Ledger } from "../store/index.ts";
import type { Connections } from "./connections.ts";
import type { People } from "./people.ts";
import type { PaymentMethod } from "./payment-method.ts";
import type { Projects } from "./projects.ts";
import type { ProviderRegistry } from "./provider-registry.ts";
import type { Purchases } from "./purchases.ts";
import type { Resources } from "./resources.ts";
import { allows, type Run } from "./runs.ts";
import { type Spending, usd } from "./spending.ts";

/** The owner's view: no single run's budget, and the project's name. */
export interface ProjectOverview {
  id: string;
  name: string;
  connections: Connection[];
  resources: Resource[];
  purchases: ProjectStatus["purchases"];
  spend: Spend[];
}

/** A payment for a report: never the bytes that make it. */
export interface PaymentReport extends Omit<PurchaseRecord, "payment"> {
  inputs: Record<string, string>;
}

const Inputs = z.record(z.string(), z.string());

export class ProjectViews {
  readonly #parts: ProjectViewsOptions;

  constructor(parts: ProjectViewsOptions) {
    this.#parts = parts;
  }

  async ofRun(run: Run): Promise<ProjectStatus> {
    const { connections, resources, purchases, spend, ...status } = await this.status(run.project);
    return {
      ...status,
      budget: await this.#parts.spending.budget(run),
      connections: connections.filter(({ provider }) => allows(run, provider)),
      resources: resources.filter(({ service }) => allows(run, providerOf(service))),
      purchases: purchases.filter(({ service }) => allows(run, providerOf(service))),
      spend: spend.filter(({ provider }) => allows(run, provider)),
    };
  }

  /** As the person's own program sees it. */
  async status(project: string): Promise<ProjectStatus> {
    const { people, payment, projects } = this.#parts;
    const overview = await this.ofOwner(project);
    const wallet = payment.of(project);
    return {
      ...overview,
      user: { email: people.ofProject(project).email },
      created_at: new Date(projects.get(project).createdAt).toISOString(),
      payment_method: wallet ? { type: "token-wallet", address: wallet.address } : null,
    };
  }

  async ofOwner(project: string): Promise<ProjectOverview> {
    const { projects, connections, resources, registry, spending } = this.#parts;
    const { id, name } = projects.get(project);
    const known = registry.list().flatMap((added) => added.id ?? []);
    return {
      id,
      name,
      connections: connections.list(id),
      resources: resources.list(id),
      purchases: await this.#purchases(id),
      spend: await Promise.all(known.map((provider) => spending.ofProvider(id, provider))),
    };
  }

  /** Every purchase of the project that the wallet knows. */
  async payments(project: string): Promise<PaymentReport[]> {
    const wallet = this.#parts.payment.of(project);
    const reports = this.#parts.purchases.rows(project).map(async ({ id, inputs }) => {
      const record = await wallet?.find(id);
      if (!record) return [];
      const { payment: _never, ...report } = record;
      return [{ ...report, inputs: Inputs.parse(JSON.parse(inputs)) }];
    });
    return (await Promise.all(reports)).flat();
  }

  async #purchases(project: string): Promise<ProjectStatus["purchases"]> {
    const { ledger, purchases } = this.#parts;
    const entries = purchases.rows(project).map(async ({ id, service, inputs }) => {
      const entry = await ledger.find(id);
      if (!entry) return [];
      const amount = usd(entry.amount);
      return [{ service, inputs: Inputs.parse(JSON.parse(inputs)), state: entry.state, amount }];
    });
    return (await Promise.all(entries)).flat();
  }
}

export interface ProjectViewsOptions {
  people: People;
  projects: Projects;
  registry: ProviderRegistry;
  connections: Connections;
  resources: Resources;
  purchases: Purchases;
  payment: PaymentMethod;
  spending: Spending;
  ledger: Ledger;
}
