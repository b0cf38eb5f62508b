/** The connections of all projects as rows; the tokens beside them lie in the vault, and both become durable together. */
import type { Database } from "../store/index.ts";
import type { IssuedMandate } from "./identity.ts";
import type { Tokens } from "./oauth-client.ts";
import { invalid } from "./provider-call.ts";
import type { SealedSecret, Vault } from "./vault.ts";

export interface ConnectionRow {
  provider: string;
  accountId: string;
  /** Milliseconds since the epoch. */
  tokenExpiresAt: number;
  /** Of the mandate that the provider holds. */
  mandateVersion: number;
  mandateExpiresAt: number;
  connectedAt: number;
}

const COLUMNS =
  "provider, account_id AS accountId, token_expires_at AS tokenExpiresAt, mandate_version AS mandateVersion, mandate_expires_at AS mandateExpiresAt, connected_at AS connectedAt";

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

  /** Keeps new tokens, and the mandate that was sent with them; says whether the connection is new. */
  keep(
    { project, provider }: { project: string; provider: string },
    { tokens, secrets, mandate }: KeptTokens,
  ): boolean {
    return this.#db.transaction(() => {
      const before = this.find(project, provider);
      if (before && before.accountId !== tokens.accountId) {
        throw invalid(`${provider} answers with another account than the project's.`);
      }
      for (const secret of secrets) this.#vault.store(secret);
      this.#db.run(
        "INSERT INTO connection (project, provider, account_id, token_expires_at, mandate_version, mandate_expires_at, connected_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, provider) DO UPDATE SET token_expires_at = excluded.token_expires_at, mandate_version = excluded.mandate_version, mandate_expires_at = excluded.mandate_expires_at",
        project,
        provider,
        tokens.accountId,
        tokens.expiresAt,
        mandate?.version ?? before?.mandateVersion ?? 0,
        mandate?.expiresAt ?? before?.mandateExpiresAt ?? 0,
        this.#now(),
      );
      return before === undefined;
    });
  }

  /** Forgets the connection and its tokens. */
  remove(
    { project, provider }: { project: string; provider: string },
    handles: readonly string[],
  ): void {
    this.#db.transaction(() => {
      for (const handle of handles) this.#vault.forget({ project, handle });
      this.#db.run("DELETE FROM connection WHERE project = ? AND provider = ?", project, provider);
    });
  }
}

export interface KeptTokens {
  tokens: Tokens;
  /** The tokens, sealed. */
  secrets: readonly SealedSecret[];
  /** Undefined where the tokens were merely refreshed. */
  mandate: IssuedMandate | undefined;
}
