/**
 * The accounts of a provider. One e-mail is one account; an account is linked to the users of orchestrators, and only a link
 * gives access to it: knowing the e-mail of an account is not enough.
 */
import { type Database, migrate } from "../../store/index.ts";

export interface Account {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** What it was set up with, as the provider's `accountConfiguration` describes it. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

interface Row extends Omit<Account, "configuration"> {
  /** JSON. */
  readonly configuration: string;
}

/** A user of an orchestrator. */
interface Identity {
  readonly issuer: string;
  readonly subject: string;
}

type Admission =
  | { kind: "created" | "known"; account: Account }
  /** The e-mail belongs to an account that this user is not linked to: its owner must consent. */
  | { kind: "consent_needed" };

export interface TermsAcceptance {
  readonly version: string;
  /** ISO 8601. */
  readonly acceptedAt: string;
  /** The request in which the orchestrator said so, as it was signed. */
  readonly evidence: SignedEvidence | null;
}

/** The raw body and the signatures over it. */
export interface SignedEvidence {
  readonly body: string;
  readonly signatures: Readonly<Record<string, string>>;
}

export interface Accounts {
  find(id: string): Account | undefined;
  findLinked(identity: Identity): Account | undefined;
  /** Makes the account of a new user, or finds the one of a known user, in one transaction. */
  admit(
    user: Identity &
      Pick<Account, "email" | "name" | "configuration"> & { now: number; newId: () => string },
  ): Admission;
  findByEmail(email: string): Account | undefined;
  /** Lets an orchestrator's user into an account, whose owner has consented. */
  link(identity: Identity, accountId: string): void;
  /** The user gets in by its owner's consent alone from then on. */
  unlink(identity: Identity): void;
  /** Keeps what was accepted, and the signed request that says so. */
  acceptTerms(accepted: TermsAcceptance & { accountId: string }): void;
  /** What is known of an acceptance: whoever disputes it is shown the orchestrator's signed word. */
  termsOf(accountId: string): TermsAcceptance[];
  hasAccepted(accountId: string, version: string): boolean;
}

export function openAccounts(database: Database): Accounts {
  migrate(database, "accounts", [
    `CREATE TABLE account (
       id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL, created_at INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE account_link (
       issuer TEXT NOT NULL, subject TEXT NOT NULL, account_id TEXT NOT NULL REFERENCES account (id),
       PRIMARY KEY (issuer, subject)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE accepted_terms (
       account_id TEXT NOT NULL REFERENCES account (id), version TEXT NOT NULL, accepted_at TEXT NOT NULL,
       PRIMARY KEY (account_id, version)
     ) STRICT, WITHOUT ROWID`,
    "ALTER TABLE accepted_terms ADD COLUMN evidence TEXT",
    "ALTER TABLE account ADD COLUMN configuration TEXT NOT NULL DEFAULT '{}'",
  ]);
  const columns =
    "account.id, account.email, account.name, account.configuration, account.created_at AS createdAt";
  const byId = database.query<Row>(`SELECT ${columns} FROM account WHERE id = ?`);
  const byEmail = database.query<Row>(`SELECT ${columns} FROM account WHERE email = ?`);
  const byLink = database.query<Row>(
    `SELECT ${columns} FROM account_link JOIN account ON account.id = account_id WHERE issuer = ? AND subject = ?`,
  );
  const accepted = database.query<{ version: string }>(
    "SELECT version FROM accepted_terms WHERE account_id = ? AND version = ?",
  );
  const allTerms = database.query<{ version: string; acceptedAt: string; evidence: string | null }>(
    "SELECT version, accepted_at AS acceptedAt, evidence FROM accepted_terms WHERE account_id = ? ORDER BY accepted_at",
  );
  const findLinked = ({ issuer, subject }: Identity) => read(byLink.get(issuer, subject));
  return {
    find: (id) => read(byId.get(id)),
    findLinked,
    admit: ({ issuer, subject, email, name, configuration, now, newId }) =>
      database.transaction((): Admission => {
        const known = findLinked({ issuer, subject });
        if (known) return { kind: "known", account: known };
        if (byEmail.get(email)) return { kind: "consent_needed" };
        const account: Account = { id: newId(), email, name, configuration, createdAt: now };
        database.run(
          "INSERT INTO account (id, email, name, created_at, configuration) VALUES (?, ?, ?, ?, ?)",
          account.id,
          email,
          name,
          now,
          JSON.stringify(configuration),
        );
        database.run("INSERT INTO account_link VALUES (?, ?, ?)", issuer, subject, account.id);
        return { kind: "created", account };
      }),
    findByEmail: (email) => read(byEmail.get(email)),
    link: ({ issuer, subject }, accountId) => {
      database.run(
        "INSERT OR IGNORE INTO account_link VALUES (?, ?, ?)",
        issuer,
        subject,
        accountId,
      );
    },
    unlink: ({ issuer, subject }) => {
      database.run("DELETE FROM account_link WHERE issuer = ? AND subject = ?", issuer, subject);
    },
    acceptTerms: ({ accountId, version, acceptedAt, evidence }) => {
      database.run(
        "INSERT OR IGNORE INTO accepted_terms (account_id, version, accepted_at, evidence) VALUES (?, ?, ?, ?)",
        accountId,
        version,
        acceptedAt,
        evidence && JSON.stringify(evidence),
      );
    },
    termsOf: (accountId) =>
      allTerms.all(accountId).map(({ evidence, ...accepted }) => ({
        ...accepted,
        evidence: evidence === null ? null : (JSON.parse(evidence) as SignedEvidence),
      })),
    hasAccepted: (accountId, version) => accepted.get(accountId, version) !== undefined,
  };
}

function read(row: Row | undefined): Account | undefined {
  return (
    row && { ...row, configuration: JSON.parse(row.configuration) as Account["configuration"] }
  );
}
