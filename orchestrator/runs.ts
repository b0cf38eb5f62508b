/**
 * A run is one agent at work in one project, under a budget and until an hour. It shows itself with a capability token, which
 * says nothing by itself and of which only the hash is kept.
 */
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { parseAtomic, Secret } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError, type OrchestratorErrorCode } from "./error.ts";

export interface Run {
  id: string;
  project: string;
  /** Atomic units. */
  budget: bigint;
  /** The providers it may use, or undefined for all. */
  providers: readonly string[] | undefined;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export interface StartedRun {
  runId: string;
  token: Secret;
}

export interface RunOrder {
  project: string;
  budget: bigint;
  providers?: readonly string[] | undefined;
  expiresAt: number;
}

export class Runs {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #newId: () => string;

  constructor({ db, now, newId }: { db: Database; now: () => number; newId: () => string }) {
    this.#db = db;
    this.#now = now;
    this.#newId = newId;
  }

  start({ project, budget, providers, expiresAt }: RunOrder): StartedRun {
    if (budget < 0n) throw new RangeError("a budget below nothing");
    const runId = `run_${this.#newId()}`;
    const token = newToken();
    this.#db.run(
      "INSERT INTO run (id, project, token_hash, budget, providers, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      runId,
      project,
      hashOf(token),
      budget.toString(),
      providers === undefined ? null : JSON.stringify(providers),
      expiresAt,
      this.#now(),
    );
    return { runId, token: new Secret(token) };
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

  /** The run that an `Authorization` header speaks for, or one of the `TOKEN_…` errors. */
  authenticate(authorization: string | undefined): Run {
    const [, token] = /^bearer +(\S{1,200})$/i.exec(authorization ?? "") ?? [];
    if (token === undefined) {
      throw refuse("TOKEN_REQUIRED", "The call has no capability token.");
    }
    const row = this.#db.query<RunRow>("SELECT * FROM run WHERE token_hash = ?").get(hashOf(token));
    if (!row)
      throw refuse("TOKEN_UNKNOWN", "The capability token is not one of this orchestrator.");
    if (row.revoked_at !== null) throw refuse("TOKEN_REVOKED", "The run was revoked.");
    if (row.expires_at <= this.#now()) throw refuse("TOKEN_EXPIRED", "The run has expired.");
    return toRun(row);
  }
}

interface RunRow {
  id: string;
  project: string;
  budget: string;
  providers: string | null;
  expires_at: number;
  revoked_at: number | null;
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

function toRun(row: RunRow): Run {
  const { id, project, budget, providers, expires_at } = row;
  return {
    id,
    project,
    budget: parseAtomic(budget),
    providers: providers === null ? undefined : z.array(z.string()).parse(JSON.parse(providers)),
    expiresAt: expires_at,
  };
}

/** 256 random bits. */
function newToken(): string {
  return `prt_${randomBytes(32).toString("base64url")}`;
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
