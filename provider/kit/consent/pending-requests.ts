/**
 * Account requests that wait for an owner: the e-mail has an account that the orchestrator's user is not linked to. What the consent page
 * shows and what consent does comes from here, never from the URL; each is decided once, within ten minutes.
 */
import { MandateClaims } from "../../../protocol/index.ts";
import type { TermsAcceptance } from "../accounts.ts";
import { type Database, migrate } from "../../../store/index.ts";

export interface PendingRequest {
  readonly id: string;
  /** The orchestrator's id of it, and its PKCE challenge: one that is sent again with both is the same request. */
  readonly requestId: string;
  readonly challenge: string;
  /** The orchestrator and its user. */
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  /** The agent's id with its orchestrator, and its name there. */
  readonly agent: string;
  readonly agentName: string;
  /** What is asked for, separated by spaces. */
  readonly scope: string;
  readonly project: string;
  readonly mandate: MandateClaims | undefined;
  /** The terms that the user accepted with the orchestrator. */
  readonly terms: TermsAcceptance | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface PendingRequests {
  /** `url` is the page on which it is decided. */
  add(request: PendingRequest, url: string): void;
  /** The page of the same request, where it was sent before and is not decided yet. */
  findPage(same: SameRequest): string | undefined;
  /** One that can still be decided. */
  find(id: string): PendingRequest | undefined;
  /** Takes it away, in the caller's transaction; false where it was decided already. */
  approve(id: string): boolean;
  /** Until it would have expired, who asks for the same again is told so. */
  decline(id: string): void;
  /** Whether the owner has declined the same request. */
  isDeclined(same: SameRequest): boolean;
}

type SameRequest = Pick<
  PendingRequest,
  "issuer" | "subject" | "requestId" | "challenge" | "agent" | "scope" | "project"
>;

/** How long an owner has. */
export const PENDING_MS = 600_000;

interface Row {
  id: string;
  requestId: string;
  challenge: string;
  issuer: string;
  subject: string;
  email: string;
  agent: string;
  agentName: string;
  scope: string;
  project: string;
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
    `ALTER TABLE pending_request ADD COLUMN agent TEXT NOT NULL DEFAULT '';
     ALTER TABLE pending_request ADD COLUMN agent_name TEXT NOT NULL DEFAULT '';
     ALTER TABLE pending_request ADD COLUMN scope TEXT NOT NULL DEFAULT 'account'`,
    `ALTER TABLE pending_request ADD COLUMN project TEXT NOT NULL DEFAULT ''`,
    `ALTER TABLE pending_request ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
     ALTER TABLE pending_request ADD COLUMN challenge TEXT NOT NULL DEFAULT '';
     ALTER TABLE pending_request ADD COLUMN page TEXT NOT NULL DEFAULT ''`,
    `ALTER TABLE pending_request ADD COLUMN declined INTEGER NOT NULL DEFAULT 0`,
  ]);
  const byId = database.query<Row>(
    `SELECT id, issuer, subject, email, agent, agent_name AS agentName, scope, project, mandate, terms, expires_at AS expiresAt,
       request_id AS requestId, challenge
     FROM pending_request WHERE id = ? AND declined = 0 AND expires_at > ?`,
  );
  const sameRequest = database.query<{ page: string; declined: number }>(
    `SELECT page, declined FROM pending_request WHERE issuer = ? AND subject = ? AND request_id = ? AND challenge = ? AND agent = ?
       AND scope = ? AND project = ? AND expires_at > ?`,
  );
  const find = ({ issuer, subject, requestId, challenge, agent, scope, project }: SameRequest) =>
    sameRequest.get(issuer, subject, requestId, challenge, agent, scope, project, now());
  return {
    findPage: (same) => {
      const row = find(same);
      return row?.declined === 0 ? row.page : undefined;
    },
    isDeclined: (same) => find(same)?.declined === 1,
    add: ({ id, issuer, subject, email, mandate, terms, expiresAt, ...asked }, url) => {
      database.run("DELETE FROM pending_request WHERE expires_at <= ?", now());
      database.run(
        `INSERT INTO pending_request
           (id, issuer, subject, email, mandate, terms, expires_at, agent, agent_name, scope, project, request_id, challenge, page)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        issuer,
        subject,
        email,
        JSON.stringify(mandate ?? null),
        terms === undefined ? null : JSON.stringify(terms),
        expiresAt,
        asked.agent,
        asked.agentName,
        asked.scope,
        asked.project,
        asked.requestId,
        asked.challenge,
        url,
      );
    },
    find: (id) => {
      const row = byId.get(id, now());
      if (!row) return undefined;
      const { mandate, terms, ...rest } = row;
      return {
        ...rest,
        mandate: MandateClaims.nullable().parse(JSON.parse(mandate)) ?? undefined,
        terms: terms === null ? undefined : (JSON.parse(terms) as PendingRequest["terms"]),
      };
    },
    approve: (id) =>
      database.run("DELETE FROM pending_request WHERE id = ? AND declined = 0", id) === 1,
    decline: (id) => {
      database.run("UPDATE pending_request SET declined = 1 WHERE id = ?", id);
    },
  };
}
