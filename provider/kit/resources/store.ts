/** The resources that a provider has provided, or is about to, and the request that each came from. */
import type { ResourceBilling } from "../../../protocol/index.ts";
import { type Database, migrate } from "../../../store/index.ts";
import type { Connection } from "../connections.ts";
import type { JsonSchema } from "../definition.ts";
import type { SettledSale } from "../till.ts";

export interface ResourceRecord extends ResourceFacts {
  readonly id: string;
  readonly accountId: string;
  readonly issuer: string;
  readonly project: string;
  readonly serviceId: string;
  /** Of the request; another request with the same id is a conflict. */
  readonly fingerprint: string;
  readonly configuration: Values;
  readonly status: ResourceStatus;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

type Values = Readonly<Record<string, string>>;

/**
 * `ordered`: being provided while its payment settles. `pending`: provided later, paid already where it costs. `failed`: it could not
 * be provided after all. `lapsed`: its payment never came, so what was provided is to be withdrawn.
 */
type ResourceStatus =
  | "needs_information"
  | "ordered"
  | "pending"
  | "complete"
  | "failed"
  | "lapsed"
  | "removed";

/** What is known of a resource beside what was ordered. */
interface ResourceFacts {
  /** What the orchestrator was given to reach it. */
  readonly access?: Values | undefined;
  /** What `needs_information` was answered with. */
  readonly information?: Values | undefined;
  readonly needs?: JsonSchema | undefined;
  /** Which payment orders it; see `Held`. */
  readonly payment?: string | undefined;
  /** The sale that paid for it: what is made good where it cannot be provided. */
  readonly sale?: SettledSale | undefined;
  readonly billing?: Omit<ResourceBilling, "paid_until" | "due" | "suspended"> | undefined;
  /** Milliseconds since the epoch: paid until then, or used from then on unbilled where it is billed by use. */
  readonly paidUntil?: number | undefined;
  /** Since when it is stopped, because it was not paid. */
  readonly suspendedAt?: number | undefined;
  /** Where the period began that is billed next. */
  readonly billedFrom?: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly problem?: { code: string; message: string } | undefined;
}

export interface Resources {
  find(id: string): ResourceRecord | undefined;
  /** Of an account, the newest first; what was removed is left out. */
  list(accountId: string): ResourceRecord[];
  listByStatus(status: ResourceStatus): ResourceRecord[];
  /** Complete, and paid until then at most: milliseconds. */
  listPaidUntil(time: number): ResourceRecord[];
  /** Writes the whole record. */
  save(record: ResourceRecord): void;
  delete(id: string): void;
}

interface Row extends Omit<ResourceRecord, "configuration" | keyof ResourceFacts> {
  configuration: string;
  access: string;
  facts: string;
}

export function openResources(database: Database): Resources {
  migrate(database, "resources", [
    `CREATE TABLE resource (
       id TEXT PRIMARY KEY, account_id TEXT NOT NULL, project TEXT NOT NULL, service_id TEXT NOT NULL,
       fingerprint TEXT NOT NULL, configuration TEXT NOT NULL, access TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID`,
    `ALTER TABLE resource ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
     ALTER TABLE resource ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
     UPDATE resource SET issuer = coalesce((SELECT issuer FROM connection
       WHERE connection.account_id = resource.account_id AND connection.project = resource.project), '');
     CREATE INDEX resource_by_account ON resource (account_id, created_at);
     CREATE INDEX resource_by_status ON resource (status)`,
    `ALTER TABLE resource ADD COLUMN paid_until INTEGER;
     UPDATE resource SET paid_until = json_extract(facts, '$.paidUntil');
     CREATE INDEX resource_by_end ON resource (paid_until) WHERE status = 'complete'`,
  ]);
  const columns = `SELECT id, account_id AS accountId, issuer, project, service_id AS serviceId, fingerprint, configuration, access,
            facts, status, created_at AS createdAt FROM resource`;
  const byId = database.query<Row>(`${columns} WHERE id = ?`);
  const ofAccount = database.query<Row>(
    `${columns} WHERE account_id = ? AND status <> 'removed' ORDER BY created_at DESC`,
  );
  const byEnd = database.query<Row>(`${columns} WHERE status = 'complete' AND paid_until <= ?`);
  const byStatus = database.query<Row>(`${columns} WHERE status = ?`);
  return {
    find: (id) => {
      const row = byId.get(id);
      return row && read(row);
    },
    list: (accountId) => ofAccount.all(accountId).map(read),
    listByStatus: (status) => byStatus.all(status).map(read),
    listPaidUntil: (time) => byEnd.all(time).map(read),
    save: (record) => {
      const { id, accountId, issuer, project, serviceId, fingerprint, status, createdAt } = record;
      const { configuration, access = {}, ...rest } = record;
      const { information, needs, payment, sale, billing, problem } = rest;
      const { paidUntil, suspendedAt, billedFrom, retryAfterSeconds } = rest;
      database.run(
        `INSERT OR REPLACE INTO resource
           (id, account_id, issuer, project, service_id, fingerprint, configuration, access, facts, status, created_at, paid_until)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        accountId,
        issuer,
        project,
        serviceId,
        fingerprint,
        JSON.stringify(configuration),
        JSON.stringify(access),
        JSON.stringify({
          information,
          needs,
          payment,
          billing,
          problem,
          paidUntil,
          suspendedAt,
          billedFrom,
          retryAfterSeconds,
          sale: sale && writeSale(sale),
        }),
        status,
        createdAt,
        paidUntil ?? null,
      );
    },
    delete: (id) => {
      database.run("DELETE FROM resource WHERE id = ?", id);
    },
  };
}

function read({ configuration, access, facts, ...row }: Row): ResourceRecord {
  const { sale, ...rest } = JSON.parse(facts) as ResourceFacts & { sale?: WrittenSale };
  return {
    ...row,
    configuration: JSON.parse(configuration) as Values,
    access: JSON.parse(access) as Values,
    ...rest,
    ...(sale && { sale: readSale(sale) }),
  };
}

type WrittenSale = Omit<SettledSale, "amount" | "validBefore"> & {
  amount: string;
  validBefore: string;
};

function writeSale({ amount, validBefore, ...sale }: SettledSale): WrittenSale {
  return { ...sale, amount: amount.toString(), validBefore: validBefore.toString() };
}

function readSale({ amount, validBefore, ...sale }: WrittenSale): SettledSale {
  return { ...sale, amount: BigInt(amount), validBefore: BigInt(validBefore) };
}

/** Whether a resource is the connection's: of its account, and of the project that the token was granted for. */
export function isOf(record: ResourceRecord, connection: Connection): boolean {
  return (
    record.accountId === connection.accountId &&
    record.issuer === connection.issuer &&
    record.project === connection.project
  );
}
