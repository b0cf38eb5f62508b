/**
 * The signed-in people that the orchestrator speaks for. Each has projects of their own, and a project has one owner: whoever acts
 * in it acts for that person, and what a provider is told of the user is that person's.
 */
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";

/** A signed-in user. */
export interface User {
  /** Stable; providers know the user's account by it. */
  id: string;
  email: string;
  name: string;
  emailVerified: boolean;
  /** ISO 3166-1 alpha-2, such as "PT", where it is known: some services are not sold everywhere. */
  country?: string | undefined;
  /**
   * When the user last proved who they are, in milliseconds: the platform's own session knows. By default now, as whoever runs this
   * process, or calls with a sign-in that the platform vouches for, is its user. Providers want it to be within the hour before
   * they open an account.
   */
  signedInAt?: () => number;
}

interface Row {
  id: string;
  email: string;
  name: string;
  emailVerified: number;
  signedInAt: number;
  country: string | null;
}

export class People {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #owner: User | undefined;

  /** `owner` is the one user of an orchestrator that has one; projects and terms of earlier versions are theirs. */
  constructor({ db, now, owner }: { db: Database; now: () => number; owner: User | undefined }) {
    this.#db = db;
    this.#now = now;
    this.#owner = owner;
    if (!owner) return;
    db.transaction(() => {
      this.keep(owner);
      db.run("UPDATE project SET person = ? WHERE person = ''", owner.id);
      db.run("UPDATE OR IGNORE terms SET person = ? WHERE person = ''", owner.id);
    });
  }

  /** The user of an orchestrator that has one, or `USER_REQUIRED`. */
  get owner(): User {
    if (this.#owner) return this.#owner;
    throw new OrchestratorError("USER_REQUIRED", {
      problem: "This orchestrator has many users, and the call names none.",
      nextStep: "Name the user whose project it is to be.",
    });
  }

  /** Writes down what is known of a user now, so that work that goes on without them knows for whom it is. */
  keep(user: User): void {
    const { id, email, name, emailVerified, country, signedInAt = this.#now } = user;
    const values = [email, name, emailVerified ? 1 : 0, Math.floor(signedInAt()), country ?? null];
    this.#db.run(
      "INSERT INTO person (id, email, name, email_verified, signed_in_at, country) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET country = excluded.country, email = excluded.email, name = excluded.name, email_verified = excluded.email_verified, signed_in_at = excluded.signed_in_at WHERE excluded.signed_in_at <> person.signed_in_at OR excluded.email <> person.email OR excluded.name <> person.name OR excluded.email_verified <> person.email_verified OR excluded.country IS NOT person.country",
      id,
      ...values,
    );
  }

  find(id: string): User | undefined {
    if (this.#owner?.id === id) return this.#owner;
    const row = this.#db
      .query<Row>(
        "SELECT id, email, name, email_verified AS emailVerified, signed_in_at AS signedInAt, country FROM person WHERE id = ?",
      )
      .get(id);
    return (
      row && {
        id: row.id,
        email: row.email,
        name: row.name,
        emailVerified: row.emailVerified === 1,
        country: row.country ?? undefined,
        signedInAt: () => row.signedInAt,
      }
    );
  }

  /** Whose project it is, or `PROJECT_UNKNOWN`. */
  ofProject(project: string): User {
    const row = this.#db
      .query<{ person: string }>("SELECT person FROM project WHERE id = ?")
      .get(project);
    const user = row && this.find(row.person);
    if (user) return user;
    throw unknownProject(project);
  }
}

export function unknownProject(id: string): OrchestratorError {
  return new OrchestratorError("PROJECT_UNKNOWN", {
    problem: `There is no project "${id.slice(0, 100)}".`,
    nextStep: "Make one with createProject, or name one that exists.",
  });
}
