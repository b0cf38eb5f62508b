/**
 * A session is a program that acts for a signed-in person in all of that person's projects: the command line, or a page of the
 * platform that the person is signed in at. The program shows a token of which only the hash is kept; a platform's page is known by
 * the platform's own sign-in, and then a call from another site must not pass for one of the page's.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Request } from "express";
import { Secret } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";
import type { People, User } from "./people.ts";

export interface Session {
  /** Of the token; undefined where the platform's own sign-in vouches for the person. */
  id: string | undefined;
  user: User;
  /** The program's name: consents are kept by it. */
  agent: string;
  /** Milliseconds since the epoch; undefined for the platform's own. */
  expiresAt: number | undefined;
}

/** Who is signed in at the platform, by its own means; undefined for nobody. */
export type Identify = (request: Request) => User | undefined | Promise<User | undefined>;

export interface SessionOrder {
  user: User;
  /** Such as "cli". */
  agent: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

const PREFIX = "pst_";
/** What a platform's own page is called. */
const PLATFORM_AGENT = "platform";

export class Sessions {
  readonly #parts: SessionsOptions;

  constructor(parts: SessionsOptions) {
    this.#parts = parts;
  }

  /** The token is the session's only proof; it is shown once. */
  start({ user, ...order }: SessionOrder): Secret {
    this.know(user);
    return this.startFor(user.id, order);
  }

  /** Writes down who a user is, for sessions that start when they are not there. */
  know(user: User): void {
    this.#parts.people.keep(user);
  }

  /** Of a user who is known already. */
  startFor(person: string, { agent, expiresAt }: Omit<SessionOrder, "user">): Secret {
    const { db, now, newId } = this.#parts;
    const token = `${PREFIX}${randomBytes(32).toString("base64url")}`;
    db.run(
      "INSERT INTO session (id, person, agent, token_hash, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
      `ses_${newId()}`,
      person,
      agent,
      hashOf(token),
      expiresAt,
      now(),
    );
    return new Secret(token);
  }

  /** Whose session a request is of, or `SESSION_REQUIRED`, `SESSION_EXPIRED` or `CROSS_SITE`. */
  async authenticate(request: Request): Promise<Session> {
    const [, token] = /^bearer +(\S{1,200})$/i.exec(request.get("authorization") ?? "") ?? [];
    if (token !== undefined) return this.#byToken(token);
    const user = await this.#parts.identify?.(request);
    if (!user) throw refuse("SESSION_REQUIRED", "The call is no signed-in person's.");
    // A form of another site carries the person's cookies, and cannot be of this type.
    if (request.method !== "GET" && request.method !== "DELETE" && !request.is("application/json"))
      throw new OrchestratorError("CROSS_SITE", {
        problem: "A call that changes something is not of the type application/json.",
        nextStep: "Send its body as application/json.",
      });
    this.#parts.people.keep(user);
    return { id: undefined, user, agent: PLATFORM_AGENT, expiresAt: undefined };
  }

  revoke({ id }: Session): void {
    if (id === undefined) return;
    const { db, now } = this.#parts;
    db.run("UPDATE session SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", now(), id);
  }

  #byToken(token: string): Session {
    const { db, people, now } = this.#parts;
    const row = db
      .query<Row>(
        "SELECT id, person, agent, expires_at AS expiresAt, revoked_at AS revokedAt FROM session WHERE token_hash = ?",
      )
      .get(hashOf(token));
    const user = row && people.find(row.person);
    if (!user) throw refuse("SESSION_REQUIRED", "The token is no session's of this orchestrator.");
    if (row.revokedAt !== null || row.expiresAt <= now())
      throw refuse("SESSION_EXPIRED", "The session has ended.");
    return { id: row.id, user, agent: row.agent, expiresAt: row.expiresAt };
  }
}

interface Row {
  id: string;
  person: string;
  agent: string;
  expiresAt: number;
  revokedAt: number | null;
}

export interface SessionsOptions {
  db: Database;
  people: People;
  identify: Identify | undefined;
  now: () => number;
  newId: () => string;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function refuse(code: "SESSION_REQUIRED" | "SESSION_EXPIRED", problem: string): OrchestratorError {
  return new OrchestratorError(code, {
    problem,
    nextStep: "Sign in, and send the session's token as a Bearer token.",
  });
}
