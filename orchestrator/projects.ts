/**
 * A project is what a human opens for an agent to work in, with a cap for each provider that only the human changes. The cap's
 * version rises with every change, so that a provider can tell a newer mandate from an older one.
 */
import { formatDecimal, parseAtomic } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { unknownProject } from "./people.ts";

/** US dollars and the dollar tokens that we know have six decimals alike, so one atomic unit means the same in both. */
export const USD_DECIMALS = 6;

export interface Project {
  id: string;
  name: string;
  /** The user it belongs to. */
  person: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

const COLUMNS = "id, name, person, created_at AS createdAt";

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

  /** A new one, or the one that the person made with the same key. */
  create({
    name,
    person,
    key,
  }: {
    name: string;
    person: string;
    key?: string | undefined;
  }): Project {
    const id = `prj_${this.#newId()}`;
    this.#db.run(
      "INSERT INTO project (id, name, created_at, person, key) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      id,
      name,
      this.#now(),
      person,
      key ?? null,
    );
    const sql = `SELECT ${COLUMNS} FROM project WHERE id = ? OR (person = ? AND key = ?)`;
    return this.#db.query<Project>(sql).get(id, person, key ?? null)!;
  }

  /** All, or those of a person. */
  list(person?: string): Project[] {
    const where = person === undefined ? "" : "WHERE person = ?";
    return this.#db
      .query<Project>(`SELECT ${COLUMNS} FROM project ${where} ORDER BY created_at, rowid`)
      .all(...(person === undefined ? [] : [person]));
  }

  /** Throws `PROJECT_UNKNOWN`. */
  get(id: string): Project {
    const row = this.#db.query<Project>(`SELECT ${COLUMNS} FROM project WHERE id = ?`).get(id);
    if (row) return row;
    throw unknownProject(id);
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
