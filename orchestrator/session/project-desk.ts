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
import { isRun, type Runs } from "../runs.ts";
import type { Session } from "../sessions.ts";
import type { Spending } from "../spending.ts";
import type { Caller } from "./caller.ts";

export class ProjectDesk {
  readonly #parts: ProjectDeskOptions;

  constructor(parts: ProjectDeskOptions) {
    this.#parts = parts;
  }

  /** The id of the run's project, or of one of the session's person, or `PROJECT_UNKNOWN`. */
  find(caller: Caller, id: string): string {
    const project = this.#parts.projects.get(id);
    const own = isRun(caller) ? project.id === caller.project : project.person === caller.user.id;
    if (own) return project.id;
    throw unknownProject(id);
  }

  list(caller: Caller): ProjectList {
    const { projects } = this.#parts;
    const own = isRun(caller) ? [projects.get(caller.project)] : projects.list(caller.user.id);
    return { projects: own.map(summary) };
  }

  create({ user }: Session, { name, idempotency_key: key }: ProjectOrder): ProjectSummary {
    return summary(this.#parts.projects.create({ name, person: user.id, key }));
  }

  status(project: string, caller: Caller): Promise<ProjectStatus> {
    const { views } = this.#parts;
    return isRun(caller) ? views.ofRun(caller) : views.status(project);
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
