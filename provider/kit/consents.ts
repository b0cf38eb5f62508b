/**
 * Which agent of whose user may do what with an account. An account's owner consents to each agent and to each further scope; what is
 * revoked ends with its tokens, and the others go on. The user whose account was made for them has consented to the agent that asked.
 */
import { type Database, migrate } from "../../store/index.ts";
import { covers } from "./scopes.ts";

interface Consent {
  readonly accountId: string;
  /** The orchestrator and its user. */
  readonly issuer: string;
  readonly subject: string;
  /** The agent's id with its orchestrator; "" where that names none. */
  readonly agent: string;
  /** As its orchestrator calls it: a stranger's text. */
  readonly agentName: string;
  /** Separated by spaces. */
  readonly scopes: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

type Asked = Omit<Consent, "agentName" | "at">;

export interface Consents {
  /** Adds to what the agent was allowed before. */
  give(consent: Consent): void;
  covers(asked: Asked): boolean;
  /** What the agent may do, or undefined. */
  find(asked: Omit<Asked, "scopes">): Consent | undefined;
  list(accountId: string): (Consent & { readonly id: number })[];
  /** Takes one away, in the caller's transaction; undefined where the account has no such consent. */
  take(id: number, accountId: string): Consent | undefined;
}

export function openConsents(database: Database): Consents {
  migrate(database, "consents", [
    `CREATE TABLE consent (
       id INTEGER PRIMARY KEY, account_id TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, agent TEXT NOT NULL,
       agent_name TEXT NOT NULL, scopes TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (account_id, issuer, subject, agent)
     ) STRICT;
     INSERT INTO consent (account_id, issuer, subject, agent, agent_name, scopes, at)
       SELECT account_id, issuer, subject, '', '', 'account', 0 FROM account_link`,
  ]);
  const columns =
    "SELECT id, account_id AS accountId, issuer, subject, agent, agent_name AS agentName, scopes, at FROM consent";
  const one = database.query<Consent>(
    `${columns} WHERE account_id = ? AND issuer = ? AND subject = ? AND agent = ?`,
  );
  const all = database.query<Consent & { id: number }>(
    `${columns} WHERE account_id = ? ORDER BY issuer, agent_name, id`,
  );
  const byId = database.query<Consent>(`${columns} WHERE id = ? AND account_id = ?`);
  const find = ({ accountId, issuer, subject, agent }: Omit<Asked, "scopes">) =>
    one.get(accountId, issuer, subject, agent);
  return {
    find,
    give: (consent) =>
      database.transaction(() => {
        const { accountId, issuer, subject, agent, agentName, at } = consent;
        const before = find(consent)?.scopes.split(" ") ?? [];
        const scopes = [...new Set([...before, ...consent.scopes.split(" ")])].join(" ");
        database.run(
          `INSERT INTO consent (account_id, issuer, subject, agent, agent_name, scopes, at) VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (account_id, issuer, subject, agent) DO UPDATE SET
             agent_name = excluded.agent_name, scopes = excluded.scopes, at = excluded.at`,
          accountId,
          issuer,
          subject,
          agent,
          agentName,
          scopes,
          at,
        );
      }),
    covers: (asked) => {
      const given = find(asked);
      return given !== undefined && covers(given.scopes, asked.scopes);
    },
    list: (accountId) => all.all(accountId),
    take: (id, accountId) => {
      const found = byId.get(id, accountId);
      if (found) database.run("DELETE FROM consent WHERE id = ?", id);
      return found;
    },
  };
}
