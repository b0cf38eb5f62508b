/**
 * A connection is what an access token stands for: an account, used on behalf of one project of an orchestrator, under that
 * project's mandate. The newest mandate of a project holds for all of its connections, so lowering a cap works at once.
 */
import type { MandateClaims } from "../../protocol/index.ts";
import { type Database, migrate } from "../../store/index.ts";

export interface Connection {
  /** The OAuth grant's id. */
  readonly id: string;
  readonly accountId: string;
  readonly issuer: string;
  /** The orchestrator's user; "" where an OAuth client came by itself. */
  readonly subject: string;
  readonly project: string;
  readonly agent: string;
  /** What its tokens may do, separated by spaces. */
  readonly scope: string;
  /** The account request that an owner's consent made it for, by the orchestrator's id of it; none where no owner was asked. */
  readonly request?: string | undefined;
}

/** What a project may be charged here. */
export interface Mandate {
  /** Decimal text in US dollars, per UTC month. */
  readonly maxAmountPerMonth: string;
  readonly version: number;
  /** Unix seconds. */
  readonly expires: number;
}

export interface Connections {
  add(connection: Connection): void;
  find(id: string): Connection | undefined;
  /** Those of one agent at an account: what ends when its consent is revoked. */
  listOf(agent: Pick<Connection, "accountId" | "issuer" | "subject" | "agent">): Connection[];
  /** All of an orchestrator's user at an account. */
  listOfUser(user: Pick<Connection, "accountId" | "issuer" | "subject">): Connection[];
  remove(id: string): void;
  /** Keeps a verified mandate, unless a higher version is known already. */
  renewMandate(accountId: string, claims: MandateClaims): void;
  mandateOf(connection: Connection): Mandate | undefined;
}

export function openConnections(database: Database): Connections {
  migrate(database, "connections", [
    `CREATE TABLE connection (
       id TEXT PRIMARY KEY, account_id TEXT NOT NULL, issuer TEXT NOT NULL, project TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE mandate (
       account_id TEXT NOT NULL, issuer TEXT NOT NULL, project TEXT NOT NULL,
       max_amount_per_month TEXT NOT NULL, version INTEGER NOT NULL, expires INTEGER NOT NULL,
       PRIMARY KEY (account_id, issuer, project)
     ) STRICT, WITHOUT ROWID`,
    `ALTER TABLE connection ADD COLUMN subject TEXT NOT NULL DEFAULT '';
     ALTER TABLE connection ADD COLUMN agent TEXT NOT NULL DEFAULT '';
     ALTER TABLE connection ADD COLUMN scope TEXT NOT NULL DEFAULT 'account';
     CREATE INDEX connection_by_agent ON connection (account_id, issuer, subject, agent)`,
    `ALTER TABLE connection ADD COLUMN request TEXT NOT NULL DEFAULT ''`,
  ]);
  const columns =
    "SELECT id, account_id AS accountId, issuer, subject, project, agent, scope, request FROM connection";
  const byId = database.query<Connection>(`${columns} WHERE id = ?`);
  const ofAgent = database.query<Connection>(
    `${columns} WHERE account_id = ? AND issuer = ? AND subject = ? AND agent = ?`,
  );
  const ofUser = database.query<Connection>(
    `${columns} WHERE account_id = ? AND issuer = ? AND subject = ?`,
  );
  const mandate = database.query<Mandate>(
    "SELECT max_amount_per_month AS maxAmountPerMonth, version, expires FROM mandate WHERE account_id = ? AND issuer = ? AND project = ?",
  );
  return {
    add: ({ id, accountId, issuer, subject, project, agent, scope, request = "" }) => {
      database.run(
        "INSERT INTO connection (id, account_id, issuer, subject, project, agent, scope, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        id,
        accountId,
        issuer,
        subject,
        project,
        agent,
        scope,
        request,
      );
    },
    listOf: ({ accountId, issuer, subject, agent }) =>
      ofAgent.all(accountId, issuer, subject, agent),
    listOfUser: ({ accountId, issuer, subject }) => ofUser.all(accountId, issuer, subject),
    remove: (id) => {
      database.run("DELETE FROM connection WHERE id = ?", id);
    },
    find: (id) => byId.get(id),
    renewMandate: (accountId, { iss, sub, max_amount_per_month, version, exp }) => {
      // Of one version there may be several, which differ only in how long they hold.
      database.run(
        `INSERT INTO mandate VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (account_id, issuer, project) DO UPDATE SET
           max_amount_per_month = excluded.max_amount_per_month, version = excluded.version, expires = excluded.expires
         WHERE excluded.version > mandate.version
            OR (excluded.version = mandate.version AND excluded.expires > mandate.expires
                AND excluded.max_amount_per_month = mandate.max_amount_per_month)`,
        accountId,
        iss,
        sub,
        max_amount_per_month,
        version,
        exp,
      );
    },
    mandateOf: ({ accountId, issuer, project }) => mandate.get(accountId, issuer, project),
  };
}
