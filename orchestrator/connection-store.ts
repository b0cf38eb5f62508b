/**
 * The connections of all projects as rows, and whose tokens there are: each agent has its own. The tokens lie in the vault, and both become
 * durable together.
 */
import type { Database } from "../store/index.ts";
import type { IssuedMandate } from "./identity.ts";
import type { Tokens } from "./oauth-client.ts";
import { invalid } from "./provider-call.ts";
import type { SealedSecret, Vault } from "./vault.ts";

export interface ConnectionRow {
  provider: string;
  accountId: string;
  /** Of the mandate that the provider holds. */
  mandateVersion: number;
  mandateExpiresAt: number;
  connectedAt: number;
}

export interface TokenRow {
  agent: string;
  /** What it is for at the provider, separated by spaces. */
  scope: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A project's account, and an agent that uses it. */
export interface AgentAccount {
  project: string;
  provider: string;
  agent: string;
}

const COLUMNS =
  "provider, account_id AS accountId, mandate_version AS mandateVersion, mandate_expires_at AS mandateExpiresAt, connected_at AS connectedAt";

export class ConnectionStore {
  readonly #db: Database;
  readonly #vault: Vault;
  readonly #now: () => number;

  constructor({ db, vault, now }: { db: Database; vault: Vault; now: () => number }) {
    this.#db = db;
    this.#vault = vault;
    this.#now = now;
  }

  list(project: string): ConnectionRow[] {
    return this.#db
      .query<ConnectionRow>(
        `SELECT ${COLUMNS} FROM connection WHERE project = ? ORDER BY connected_at, provider`,
      )
      .all(project);
  }

  find(project: string, provider: string): ConnectionRow | undefined {
    return this.#db
      .query<ConnectionRow>(`SELECT ${COLUMNS} FROM connection WHERE project = ? AND provider = ?`)
      .get(project, provider);
  }

  /** Whose tokens there are; those for the most first. */
  tokens(project: string, provider: string): TokenRow[] {
    return this.#db
      .query<TokenRow>(
        "SELECT agent, scope, expires_at AS expiresAt FROM agent_token WHERE project = ? AND provider = ? ORDER BY scope <> 'account', scope NOT LIKE '%payments%', rowid",
      )
      .all(project, provider);
  }

  /** Keeps new tokens, and the mandate that was sent with them; says whether the connection is new. */
  keep(
    { project, provider, agent }: AgentAccount,
    { tokens, scope, secrets, mandate }: KeptTokens,
  ): boolean {
    return this.#db.transaction(() => {
      const before = this.find(project, provider);
      if (before && before.accountId !== tokens.accountId) {
        throw invalid(`${provider} answers with another account than the project's.`);
      }
      for (const secret of secrets) this.#vault.store(secret);
      this.#db.run(
        "INSERT INTO connection (project, provider, account_id, mandate_version, mandate_expires_at, connected_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (project, provider) DO UPDATE SET mandate_version = excluded.mandate_version, mandate_expires_at = excluded.mandate_expires_at",
        project,
        provider,
        tokens.accountId,
        mandate?.version ?? before?.mandateVersion ?? 0,
        mandate?.expiresAt ?? before?.mandateExpiresAt ?? 0,
        this.#now(),
      );
      this.#db.run(
        "INSERT INTO agent_token (project, provider, agent, scope, expires_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (project, provider, agent) DO UPDATE SET scope = excluded.scope, expires_at = excluded.expires_at",
        project,
        provider,
        agent,
        scope,
        tokens.expiresAt,
      );
      return before === undefined;
    });
  }

  /** Forgets one agent's tokens. */
  removeToken({ project, provider, agent }: AgentAccount, handles: readonly string[]): void {
    this.#db.transaction(() => {
      for (const handle of handles) this.#vault.forget({ project, handle });
      this.#db.run(
        "DELETE FROM agent_token WHERE project = ? AND provider = ? AND agent = ?",
        project,
        provider,
        agent,
      );
    });
  }

  /** Forgets the connection and all tokens. */
  remove(
    { project, provider }: { project: string; provider: string },
    handles: readonly string[],
  ): void {
    this.#db.transaction(() => {
      for (const handle of handles) this.#vault.forget({ project, handle });
      this.#db.run("DELETE FROM agent_token WHERE project = ? AND provider = ?", project, provider);
      this.#db.run("DELETE FROM connection WHERE project = ? AND provider = ?", project, provider);
    });
  }
}

export interface KeptTokens {
  tokens: Tokens;
  scope: string;
  /** The tokens, sealed. */
  secrets: readonly SealedSecret[];
  /** Undefined where the tokens were merely refreshed. */
  mandate: IssuedMandate | undefined;
}
