/**
 * Which Worker answers at which hostname, and the loopback port that each hostname has of its own. Ports are kept, so that a
 * site's URL is the same when the provider opens again.
 */
import { type Database, migrate } from "../../store/index.ts";

export interface Site {
  readonly hostname: string;
  readonly accountId: string;
  /** The Worker's name in the account. */
  readonly script: string;
  readonly port: number;
}

export interface Sites {
  find(hostname: string): Site | undefined;
  list(): Site[];
  /** Points the hostname to the Worker; its port stays what it was. */
  set(site: Site): void;
  remove(hostname: string): void;
}

export function openSites(database: Database): Sites {
  migrate(database, "sites", [
    `CREATE TABLE site (
       hostname TEXT PRIMARY KEY, account_id TEXT NOT NULL, script TEXT NOT NULL, port INTEGER NOT NULL UNIQUE
     ) STRICT, WITHOUT ROWID`,
  ]);
  const columns = "hostname, account_id AS accountId, script, port";
  const byHostname = database.query<Site>(`SELECT ${columns} FROM site WHERE hostname = ?`);
  const all = database.query<Site>(`SELECT ${columns} FROM site ORDER BY hostname`);
  return {
    find: (hostname) => byHostname.get(hostname),
    list: () => all.all(),
    set: ({ hostname, accountId, script, port }) => {
      database.run(
        `INSERT INTO site VALUES (?, ?, ?, ?)
         ON CONFLICT (hostname) DO UPDATE SET account_id = excluded.account_id, script = excluded.script`,
        hostname,
        accountId,
        script,
        port,
      );
    },
    remove: (hostname) => {
      database.run("DELETE FROM site WHERE hostname = ?", hostname);
    },
  };
}
