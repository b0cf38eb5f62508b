/** A person's projects, what they may spend, and the runs that work in them. Nobody else's are there at all. */
import {
  type Delegation,
  formatDecimal,
  parseDecimal,
  type ProjectList,
  type ProjectOrder,
  type ProjectStatus,
  type ProjectSummary,
  type RunGrant,
  type Spend,
  type SpendHistory,
} from "../../protocol/index.ts";
import { unknownProject } from "../people.ts";
import type { ProjectViews } from "../project-views.ts";
import { type Project, type Projects, USD_DECIMALS } from "../projects.ts";
import type { ProviderRegistry } from "../provider-registry.ts";
import type { Runs } from "../runs.ts";
import type { Session } from "../sessions.ts";
import type { Spending } from "../spending.ts";

export class ProjectDesk {
  readonly #parts: ProjectDeskOptions;

  constructor(parts: ProjectDeskOptions) {
    this.#parts = parts;
  }

  /** The id of a project of the session's person, or `PROJECT_UNKNOWN`. */
  find({ user }: Session, id: string): string {
    const project = this.#parts.projects.get(id);
    if (project.person === user.id) return project.id;
    throw unknownProject(id);
  }

  list({ user }: Session): ProjectList {
    return { projects: this.#parts.projects.list(user.id).map(summary) };
  }

  create({ user }: Session, { name, idempotency_key: key }: ProjectOrder): ProjectSummary {
    return summary(this.#parts.projects.create({ name, person: user.id, key }));
  }

  status(project: string): Promise<ProjectStatus> {
    return this.#parts.views.status(project);
  }

  async setCap(project: string, provider: string, amount: string): Promise<Spend> {
    await this.#parts.setCap({ project, provider, amount: parseDecimal(amount, USD_DECIMALS) });
    return this.#parts.spending.ofProvider(project, provider);
  }

  spend(project: string): Promise<SpendHistory> {
    const { registry, spending, now } = this.#parts;
    const providers = registry.list().flatMap(({ id }) => id ?? []);
    return spending.history(project, providers, now());
  }

  startRun(project: string, session: Session, grant: RunGrant): Delegation {
    const budget = parseDecimal(grant.budget, USD_DECIMALS);
    const expiresAt = Date.parse(grant.expires_at);
    const { providers, agent = session.agent } = grant;
    const { runId, token } = this.#parts.runs.start({
      project,
      budget,
      providers,
      expiresAt,
      agent,
    });
    return {
      id: runId,
      token: token.reveal(),
      budget: formatDecimal(budget, USD_DECIMALS),
      providers: providers ?? null,
      expires_at: new Date(expiresAt).toISOString(),
    };
  }
}

export interface ProjectDeskOptions {
  projects: Projects;
  views: ProjectViews;
  runs: Runs;
  registry: ProviderRegistry;
  spending: Spending;
  setCap: (cap: { project: string; provider: string; amount: bigint }) => Promise<unknown>;
  now: () => number;
}

function summary({ id, name, createdAt }: Project): ProjectSummary {
  return { id, name, created_at: new Date(createdAt).toISOString() };
}
