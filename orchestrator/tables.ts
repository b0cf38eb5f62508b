/** The orchestrator's tables. Amounts are atomic units as text, times are milliseconds, secrets are sealed by the vault. */
import { type Database, migrate } from "../store/index.ts";

const STEPS = [
  `
  CREATE TABLE project (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;

  -- What a provider may charge a project in a month. The version rises with each change, and travels in the mandate.
  CREATE TABLE cap (
    project TEXT NOT NULL REFERENCES project, provider TEXT NOT NULL, amount TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (project, provider)
  ) STRICT;

  -- A run's capability token is kept as its hash alone.
  CREATE TABLE run (
    id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES project, token_hash TEXT NOT NULL UNIQUE, budget TEXT NOT NULL,
    providers TEXT, expires_at INTEGER NOT NULL, revoked_at INTEGER, created_at INTEGER NOT NULL
  ) STRICT;

  -- A provider's id, payees and assets are pinned when it is first read.
  CREATE TABLE provider (
    base_url TEXT PRIMARY KEY, position INTEGER NOT NULL, id TEXT UNIQUE, payment TEXT, added_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE ask (
    id INTEGER PRIMARY KEY, project TEXT NOT NULL, run TEXT NOT NULL, subject TEXT, kind TEXT NOT NULL, provider TEXT,
    question TEXT NOT NULL, answer TEXT NOT NULL, asked_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE terms (
    provider TEXT NOT NULL, version TEXT NOT NULL, accepted_at INTEGER NOT NULL, PRIMARY KEY (provider, version)
  ) STRICT;

  CREATE TABLE connection (
    project TEXT NOT NULL REFERENCES project, provider TEXT NOT NULL, account_id TEXT NOT NULL,
    token_expires_at INTEGER NOT NULL, mandate_version INTEGER NOT NULL, mandate_expires_at INTEGER NOT NULL,
    connected_at INTEGER NOT NULL, PRIMARY KEY (project, provider)
  ) STRICT;

  CREATE TABLE resource (
    id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES project, provider TEXT NOT NULL, provider_id TEXT NOT NULL,
    service TEXT NOT NULL, configuration TEXT NOT NULL, status TEXT NOT NULL, access TEXT NOT NULL, created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE idempotency (
    project TEXT NOT NULL, key TEXT NOT NULL, order_hash TEXT NOT NULL, PRIMARY KEY (project, key)
  ) STRICT;

  -- What the wallet's purchases are for; their state is the ledger's alone.
  CREATE TABLE purchase (
    id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES project, run TEXT NOT NULL, provider TEXT NOT NULL,
    service TEXT NOT NULL, operation TEXT NOT NULL, inputs TEXT NOT NULL, ordered_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE secret (
    project TEXT NOT NULL, handle TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (project, handle)
  ) STRICT;
  CREATE TABLE secret_read (
    id INTEGER PRIMARY KEY, project TEXT NOT NULL, handle TEXT NOT NULL, reader TEXT NOT NULL, read_at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- A run that another run started for a part of its own work: it ends with that one, and spends of its budget.
  ALTER TABLE run ADD COLUMN parent TEXT REFERENCES run;
  CREATE INDEX run_parent ON run (parent) WHERE parent IS NOT NULL;
  `,
  `
  -- Whom the orchestrator speaks for. '' is the one user of a folder of an earlier version.
  CREATE TABLE person (
    id TEXT PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL, email_verified INTEGER NOT NULL, signed_in_at INTEGER NOT NULL
  ) STRICT;
  ALTER TABLE project ADD COLUMN person TEXT NOT NULL DEFAULT '';
  ALTER TABLE project ADD COLUMN key TEXT;
  CREATE UNIQUE INDEX project_key ON project (person, key) WHERE key IS NOT NULL;
  ALTER TABLE terms RENAME TO terms_1;
  CREATE TABLE terms (
    person TEXT NOT NULL, provider TEXT NOT NULL, version TEXT NOT NULL, accepted_at INTEGER NOT NULL,
    PRIMARY KEY (person, provider, version)
  ) STRICT;
  INSERT INTO terms SELECT '', provider, version, accepted_at FROM terms_1;
  DROP TABLE terms_1;

  -- A program of a person's: its token is kept as its hash alone.
  CREATE TABLE session (
    id TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, agent TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL, revoked_at INTEGER, created_at INTEGER NOT NULL
  ) STRICT;

  -- The name by which an agent's consents are kept.
  ALTER TABLE run ADD COLUMN agent TEXT NOT NULL DEFAULT 'agent';
  CREATE TABLE consent (
    id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES project, provider TEXT NOT NULL, agent TEXT NOT NULL,
    scopes TEXT NOT NULL, granted_at INTEGER NOT NULL, revoked_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX consent_live ON consent (project, provider, agent) WHERE revoked_at IS NULL;
  `,
  `
  -- Who was let in before consents were kept.
  INSERT INTO consent SELECT 'con_' || lower(hex(randomblob(12))), project, provider, 'agent', '["account"]', connected_at, NULL FROM connection;

  -- What two orders of the same thing have in common, and what the provider still asks.
  ALTER TABLE resource ADD COLUMN base TEXT NOT NULL DEFAULT '';
  UPDATE resource SET base = substr(id, 5);
  CREATE INDEX resource_base ON resource (base);
  ALTER TABLE resource ADD COLUMN name TEXT;
  ALTER TABLE resource ADD COLUMN needs TEXT;
  ALTER TABLE idempotency ADD COLUMN resource TEXT NOT NULL DEFAULT '';
  UPDATE idempotency SET resource = 'res_' || order_hash;

  -- A request at a provider, written down before it leaves, and sent until it is answered.
  CREATE TABLE resource_work (
    id TEXT PRIMARY KEY, resource TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL, amount TEXT,
    change TEXT, begun_at INTEGER NOT NULL, ended_at INTEGER
  ) STRICT;
  CREATE INDEX resource_work_open ON resource_work (resource) WHERE ended_at IS NULL;

  -- Prices that providers have fixed.
  CREATE TABLE quote (
    id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES project, service TEXT NOT NULL, configuration TEXT NOT NULL,
    resource TEXT, provider_quote TEXT NOT NULL, amount TEXT NOT NULL, interval TEXT NOT NULL, hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- A program that waits for a person to let it in.
  CREATE TABLE device_code (
    code_hash TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, form TEXT, state TEXT NOT NULL, person TEXT,
    expires_at INTEGER NOT NULL, polled_at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- A person's browser, where the orchestrator signs people in itself.
  CREATE TABLE browser_session (token_hash TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES person, expires_at INTEGER NOT NULL) STRICT;
  `,
  `
  -- Each agent has tokens of its own at a provider, for what its consent covers. Tokens of an earlier version were nobody's in particular.
  CREATE TABLE agent_token (
    project TEXT NOT NULL REFERENCES project, provider TEXT NOT NULL, agent TEXT NOT NULL, scope TEXT NOT NULL,
    expires_at INTEGER NOT NULL, PRIMARY KEY (project, provider, agent)
  ) STRICT;
  DELETE FROM secret WHERE handle IN (SELECT 'cred:' || provider FROM connection) OR handle LIKE 'refresh:%';
  ALTER TABLE connection DROP COLUMN token_expires_at;
  `,
  `
  ALTER TABLE person ADD COLUMN country TEXT;
  `,
  `
  -- What is billed from period to period: what the provider says of it (JSON), what was agreed to at most, and what stands in the way.
  ALTER TABLE resource ADD COLUMN billing TEXT;
  ALTER TABLE resource ADD COLUMN paid_until INTEGER;
  ALTER TABLE resource ADD COLUMN agreed TEXT;
  ALTER TABLE resource ADD COLUMN renewal_problem TEXT;
  ALTER TABLE resource ADD COLUMN renewal_at INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX resource_due ON resource (paid_until) WHERE status = 'complete';
  `,
  `
  -- What the human says (JSON) of a provider that speaks the protocol as it is published.
  ALTER TABLE provider ADD COLUMN plain TEXT;
  `,
];

export function makeTables(db: Database): void {
  migrate(db, "orchestrator", STEPS);
}
