/**
 * Connections to one schema of a PostgreSQL server. `pg` is loaded only here, because only a wallet that several machines share
 * needs it. What goes wrong is an error of ours, without the connection's address, which may hold a password.
 */
import type { Pool, PoolClient } from "pg";
import type { Secret } from "../protocol/secret.ts";
import { StoreError } from "./database.ts";
import type { Question } from "./ledger-script.ts";

export interface ConnectOptions {
  /** Such as "postgres://user:password@host/database". */
  readonly url: Secret;
  readonly schema: string;
}

/** PostgreSQL's own number of the type BIGINT. */
const INT8 = 20;

export async function connectPostgres({ url, schema }: ConnectOptions): Promise<Pool> {
  const { default: pg } = await import("pg").catch((cause: unknown) => {
    throw new StoreError("PACKAGE_MISSING", {
      problem: 'A ledger on PostgreSQL needs the package "pg", which is not installed.',
      nextStep: "Install it: npm install pg@8.23.1.",
      cause,
    });
  });
  const pool = new pg.Pool({
    connectionString: url.reveal(),
    max: 4,
    options: `-c search_path=${schema} -c synchronous_commit=on`,
    connectionTimeoutMillis: 10_000,
    types: {
      getTypeParser: (oid, format) =>
        oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format ?? "text"),
    },
  });
  // A connection that breaks while nobody uses it: the next question opens another.
  pool.on("error", () => undefined);
  return pool;
}

/** Lends a connection to `work`; one on which something failed is not used again. */
export async function withClient<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  try {
    const result = await work(client);
    broken = false;
    return result;
  } finally {
    client.release(broken);
  }
}

export async function answerLater(
  client: PoolClient,
  { sql, values }: Question,
): Promise<object[]> {
  let count = 0;
  return (
    await client.query(
      sql.replaceAll("?", () => `$${++count}`),
      values,
    )
  ).rows;
}

/** PostgreSQL's failure as ours; what is not the server's or the network's (a caller's own error) comes back as it is. */
export function postgresError(place: string, cause: unknown): unknown {
  const { code } = (cause ?? {}) as { code?: unknown };
  if (cause instanceof StoreError || !(cause instanceof Error)) return cause;
  const isServers = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code);
  const isNetworks = typeof code === "string" && /^E[A-Z]+$/.test(code);
  // XX001 and XX002: the server found its own files damaged.
  if (isServers && code.startsWith("XX")) {
    return new StoreError("DATABASE_UNREADABLE", {
      problem: `${place} is damaged (PostgreSQL ${code}).`,
      nextStep: "Restore it from a backup; do not delete it while payments may be open.",
    });
  }
  if (!isServers && !isNetworks && !/connection|terminated|timeout/i.test(cause.message))
    return cause;
  return new StoreError("DATABASE_UNREACHABLE", {
    problem: `${place} did not do what was asked${typeof code === "string" ? ` (${code})` : ""}.`,
    nextStep: "Look whether the server runs and the role may use the schema, and try again.",
  });
}
