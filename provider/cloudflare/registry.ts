/**
 * The registry: who owns which name. A name is held from the moment that its payment is verified until the payment is settled
 * (then it is active) or can never be (then it is free again), so that nobody pays for a name that another is paying for.
 */
import { type Database, migrate } from "../../store/index.ts";

export interface Registration {
  readonly domain: string;
  readonly accountId: string;
  readonly state: "held" | "active";
  /** Of the payment. */
  readonly payment: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface Registry {
  find(domain: string): Registration | undefined;
  /** The account's active names. */
  list(accountId: string): Registration[];
  /** True when it is neither registered nor held, nor somebody else's from the start. */
  isFree(domain: string): boolean;
  /** Holds a free name; true as well when this very payment holds or owns it already. */
  hold(order: { domain: string; accountId: string; payment: string; now: number }): boolean;
  activate(payment: string): void;
  release(payment: string): void;
}

/** Names that others own from the start, beside those that whoever starts the provider names. */
export const TAKEN_DOMAINS: readonly string[] = [
  "google.com",
  "example.com",
  "example.org",
  "example.net",
  "cloudflare.com",
  "stripe.com",
  "github.com",
  "coffee.dev",
  "coffee.com",
];

export function openRegistry(database: Database, taken: readonly string[]): Registry {
  migrate(database, "registry", [
    `CREATE TABLE registration (
       domain TEXT PRIMARY KEY, account_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('held', 'active')),
       payment TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID`,
  ]);
  const others = new Set(taken.map((name) => name.toLowerCase()));
  const select =
    "SELECT domain, account_id AS accountId, state, payment, created_at AS createdAt, expires_at AS expiresAt FROM registration";
  const one = database.query<Registration>(`${select} WHERE domain = ?`);
  const ofAccount = database.query<Registration>(
    `${select} WHERE account_id = ? AND state = 'active' ORDER BY domain`,
  );
  const isFree = (domain: string) => !others.has(domain) && one.get(domain) === undefined;
  return {
    find: (domain) => one.get(domain),
    list: (accountId) => ofAccount.all(accountId),
    isFree,
    hold: ({ domain, accountId, payment, now }) =>
      database.transaction(() => {
        if (one.get(domain)?.payment === payment) return true;
        if (!isFree(domain)) return false;
        const year = new Date(now);
        year.setUTCFullYear(year.getUTCFullYear() + 1);
        const sql = "INSERT INTO registration VALUES (?, ?, 'held', ?, ?, ?)";
        database.run(sql, domain, accountId, payment, now, year.getTime());
        return true;
      }),
    activate: (payment) => {
      database.run("UPDATE registration SET state = 'active' WHERE payment = ?", payment);
    },
    release: (payment) => {
      database.run("DELETE FROM registration WHERE payment = ? AND state = 'held'", payment);
    },
  };
}
