/**
 * Account requests that wait for an owner: the e-mail has an account that the orchestrator's user is not linked to. What the consent page
 * shows and what consent does comes from here, never from the URL; each is decided once, within ten minutes.
 */
import { MandateClaims } from "../../../protocol/index.ts";
import { type Database, migrate } from "../../../store/index.ts";

export interface PendingRequest {
  readonly id: string;
  /** The orchestrator and its user. */
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  readonly mandate: MandateClaims;
  /** The terms that the user accepted with the orchestrator. */
  readonly terms: { readonly version: string; readonly acceptedAt: string } | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface PendingRequests {
  add(request: PendingRequest): void;
  /** One that can still be decided. */
  find(id: string): PendingRequest | undefined;
  /** Takes it away, in the caller's transaction; false where it was decided already. */
  decide(id: string): boolean;
}

/** How long an owner has. */
export const PENDING_MS = 600_000;

interface Row {
  id: string;
  issuer: string;
  subject: string;
  email: string;
  mandate: string;
  terms: string | null;
  expiresAt: number;
}

export function openPendingRequests(database: Database, now: () => number): PendingRequests {
  migrate(database, "pending-requests", [
    `CREATE TABLE pending_request (
       id TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, email TEXT NOT NULL, mandate TEXT NOT NULL,
       terms TEXT, expires_at INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID`,
  ]);
  const byId = database.query<Row>(
    `SELECT id, issuer, subject, email, mandate, terms, expires_at AS expiresAt
     FROM pending_request WHERE id = ? AND expires_at > ?`,
  );
  return {
    add: ({ id, issuer, subject, email, mandate, terms, expiresAt }) => {
      database.run("DELETE FROM pending_request WHERE expires_at <= ?", now());
      database.run(
        "INSERT INTO pending_request VALUES (?, ?, ?, ?, ?, ?, ?)",
        id,
        issuer,
        subject,
        email,
        JSON.stringify(mandate),
        terms === undefined ? null : JSON.stringify(terms),
        expiresAt,
      );
    },
    find: (id) => {
      const row = byId.get(id, now());
      if (!row) return undefined;
      const { mandate, terms, ...rest } = row;
      return {
        ...rest,
        mandate: MandateClaims.parse(JSON.parse(mandate)),
        terms: terms === null ? undefined : (JSON.parse(terms) as PendingRequest["terms"]),
      };
    },
    decide: (id) => database.run("DELETE FROM pending_request WHERE id = ?", id) === 1,
  };
}
