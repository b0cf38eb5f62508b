/**
 * A project is what a human opens for an agent to work in, with a cap for each provider that only the human changes. The cap's
 * version rises with every change, so that a provider can tell a newer mandate from an older one.
 */
import { formatDecimal, parseAtomic } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";

/** US dollars and the dollar tokens that we know have six decimals alike, so one atomic unit means the same in both. */
export const USD_DECIMALS = 6;

export interface Project {
  id: string;
  name: string;
}

export interface Cap {
  /** Atomic units per UTC month. */
  amount: bigint;
  version: number;
}

export class Projects {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #newId: () => string;
  readonly #defaultCap: bigint;

  constructor({ db, now, newId, defaultCap }: ProjectsOptions) {
    this.#db = db;
    this.#now = now;
    this.#newId = newId;
    this.#defaultCap = defaultCap;
  }

  create({ name }: { name: string }): Project {
    const project = { id: `prj_${this.#newId()}`, name };
    this.#db.run(
      "INSERT INTO project (id, name, created_at) VALUES (?, ?, ?)",
      project.id,
      name,
      this.#now(),
    );
    return project;
  }

  list(): Project[] {
    return this.#db.query<Project>("SELECT id, name FROM project ORDER BY created_at, id").all();
  }

  /** Throws `PROJECT_UNKNOWN`. */
  get(id: string): Project {
    const row = this.#db.query<Project>("SELECT id, name FROM project WHERE id = ?").get(id);
    if (row) return row;
    throw new OrchestratorError("PROJECT_UNKNOWN", {
      problem: `There is no project "${id.slice(0, 100)}".`,
      nextStep: "Make one with createProject, or name one that exists.",
    });
  }

  /** The cap, written down when it is first asked for, so that a version never changes its meaning. */
  cap(project: string, provider: string): Cap {
    this.#db.run(
      "INSERT INTO cap (project, provider, amount, version) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING",
      project,
      provider,
      this.#defaultCap.toString(),
    );
    return this.#readCap(project, provider) ?? { amount: this.#defaultCap, version: 1 };
  }

  setCap({
    project,
    provider,
    amount,
  }: {
    project: string;
    provider: string;
    amount: bigint;
  }): Cap {
    this.get(project);
    if (amount < 0n) throw new RangeError(`a cap of ${formatDecimal(amount, USD_DECIMALS)}`);
    return this.#db.transaction(() => {
      const { version } = this.cap(project, provider);
      this.#db.run(
        "UPDATE cap SET amount = ?, version = ? WHERE project = ? AND provider = ?",
        amount.toString(),
        version + 1,
        project,
        provider,
      );
      return { amount, version: version + 1 };
    });
  }

  #readCap(project: string, provider: string): Cap | undefined {
    const row = this.#db
      .query<{
        amount: string;
        version: number;
      }>("SELECT amount, version FROM cap WHERE project = ? AND provider = ?")
      .get(project, provider);
    return row && { amount: parseAtomic(row.amount), version: row.version };
  }
}

export interface ProjectsOptions {
  db: Database;
  now: () => number;
  newId: () => string;
  /** Atomic units; of a provider that the human has set no cap for. */
  defaultCap: bigint;
}
