/**
 * A run is one agent at work in one project, under a budget and until an hour. It shows itself with a capability token, which
 * says nothing by itself and of which only the hash is kept. A run may start others for parts of its work: each within what its
 * starter may, counted against its starter's budget, and ended with its starter.
 */
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { parseAtomic, Secret } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError, type OrchestratorErrorCode } from "./error.ts";

export interface Run {
  id: string;
  project: string;
  /** The name by which the consents of this agent are kept. */
  agent: string;
  /** Atomic units. */
  budget: bigint;
  /** The providers it may use, or undefined for all. */
  providers: readonly string[] | undefined;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** The runs that it was started by, the nearest first: what it spends counts for each. */
  starters: readonly Pick<Run, "id" | "budget">[];
}

export interface StartedRun {
  runId: string;
  token: Secret;
}

export interface RunOrder {
  project: string;
  /** "agent" by default: all that are not told apart. */
  agent?: string | undefined;
  budget: bigint;
  providers?: readonly string[] | undefined;
  expiresAt: number;
}

const PREFIX = "prt_";

export class Runs {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #newId: () => string;

  constructor({ db, now, newId }: { db: Database; now: () => number; newId: () => string }) {
    this.#db = db;
    this.#now = now;
    this.#newId = newId;
  }

  start(
    { project, agent = "agent", budget, providers, expiresAt }: RunOrder,
    parent?: Run,
  ): StartedRun {
    if (budget < 0n) throw new RangeError("a budget below nothing");
    const runId = `run_${this.#newId()}`;
    const token = newToken();
    this.#db.run(
      "INSERT INTO run (id, project, token_hash, budget, providers, expires_at, created_at, parent, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      runId,
      project,
      hashOf(token),
      budget.toString(),
      providers === undefined ? null : JSON.stringify(providers),
      expiresAt,
      this.#now(),
      parent?.id ?? null,
      parent?.agent ?? agent,
    );
    return { runId, token: new Secret(token) };
  }

  /** How many runs a run has started that are neither revoked nor over. */
  countStarted({ id }: Run): number {
    const sql =
      "SELECT count(*) AS count FROM run WHERE parent = ? AND revoked_at IS NULL AND expires_at > ?";
    return this.#db.query<{ count: number }>(sql).get(id, this.#now())?.count ?? 0;
  }

  /** A new token for a run that goes on after a crash, under the same budget; the old token ends. */
  renew({ runId, expiresAt }: { runId: string; expiresAt: number }): StartedRun {
    const token = newToken();
    const changed = this.#db.run(
      "UPDATE run SET token_hash = ?, expires_at = ? WHERE id = ? AND revoked_at IS NULL",
      hashOf(token),
      expiresAt,
      runId,
    );
    if (changed === 0) throw unknownRun(runId);
    return { runId, token: new Secret(token) };
  }

  revoke(runId: string): void {
    const changed = this.#db.run(
      "UPDATE run SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
      this.#now(),
      runId,
    );
    if (changed === 0) throw unknownRun(runId);
  }

  /** Whether a header shows a run's token, valid or not, and not a session's. */
  speaksFor(authorization: string | undefined): boolean {
    return new RegExp(`^bearer +${PREFIX}`, "i").test(authorization ?? "");
  }

  /** The run that an `Authorization` header speaks for, or one of the `TOKEN_…` errors. */
  authenticate(authorization: string | undefined): Run {
    const [, token] = /^bearer +(\S{1,200})$/i.exec(authorization ?? "") ?? [];
    if (token === undefined) {
      throw refuse("TOKEN_REQUIRED", "The call has no capability token.");
    }
    const row = this.#db.query<RunRow>("SELECT * FROM run WHERE token_hash = ?").get(hashOf(token));
    if (!row)
      throw refuse("TOKEN_UNKNOWN", "The capability token is not one of this orchestrator.");
    const line = this.#lineOf(row.id);
    if (line.some(({ revoked_at }) => revoked_at !== null))
      throw refuse("TOKEN_REVOKED", "The run was revoked.");
    if (line.some(({ expires_at }) => expires_at <= this.#now()))
      throw refuse("TOKEN_EXPIRED", "The run has expired.");
    const starters = line.slice(1).map(({ id, budget }) => ({ id, budget: parseAtomic(budget) }));
    return toRun(row, starters);
  }

  /** Ends a run that `starter` has started, or that a run of its own has; throws `RUN_UNKNOWN` for any other. */
  revokeStarted(starter: Run, runId: string): void {
    if (
      !this.#lineOf(runId)
        .slice(1)
        .some(({ id }) => id === starter.id)
    )
      throw unknownRun(runId);
    this.revoke(runId);
  }

  /** A run and the runs that it was started by, the nearest first. */
  #lineOf(runId: string): RunRow[] {
    return this.#db
      .query<RunRow>(
        `WITH RECURSIVE line (id, depth) AS (
           SELECT ?, 0 UNION ALL
           SELECT run.parent, depth + 1 FROM line JOIN run ON run.id = line.id WHERE run.parent IS NOT NULL)
         SELECT run.* FROM line JOIN run ON run.id = line.id ORDER BY depth`,
      )
      .all(runId);
  }
}

interface RunRow {
  id: string;
  project: string;
  agent: string;
  budget: string;
  providers: string | null;
  expires_at: number;
  revoked_at: number | null;
}

/** Whether it is a run that asks, and not a person's own program. */
export function isRun(one: object): one is Run {
  return "budget" in one;
}

/** Throws `PROVIDER_NOT_ALLOWED` for a provider outside the run's scope. */
export function checkScope(run: Run, provider: string): void {
  if (allows(run, provider)) return;
  throw new OrchestratorError("PROVIDER_NOT_ALLOWED", {
    problem: `This run may not use the provider "${provider}".`,
    nextStep: "Use a provider from the catalog, or ask the human for a run that includes it.",
    details: { provider },
  });
}

export function allows(run: Run, provider: string): boolean {
  return run.providers?.includes(provider) ?? true;
}

function toRun(row: RunRow, starters: Run["starters"]): Run {
  const { id, project, agent, budget, providers, expires_at } = row;
  return {
    id,
    project,
    agent,
    budget: parseAtomic(budget),
    providers: providers === null ? undefined : z.array(z.string()).parse(JSON.parse(providers)),
    expiresAt: expires_at,
    starters,
  };
}

/** 256 random bits. */
function newToken(): string {
  return `${PREFIX}${randomBytes(32).toString("base64url")}`;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function refuse(code: OrchestratorErrorCode, problem: string): OrchestratorError {
  return new OrchestratorError(code, {
    problem,
    nextStep: "Send the token that startRun gave for this run as a Bearer token.",
  });
}

function unknownRun(runId: string): OrchestratorError {
  return new OrchestratorError("RUN_UNKNOWN", {
    problem: `There is no run "${runId.slice(0, 100)}" that goes on.`,
    nextStep: "Start a run with startRun.",
  });
}
