/**
 * Keeps what `oidc-provider` issues in SQLite, so that tokens survive a restart. A code or token is found by its hash and never
 * stored itself: whoever reads the file cannot use what is in it. Consuming is atomic: of two that use a code, one is refused.
 */
import { createHash, createHmac, randomBytes } from "node:crypto";
import type { Adapter } from "oidc-provider";
import { type Database, migrate } from "../../store/index.ts";

export interface OAuthStorage {
  /** One for each of the library's models, such as "AccessToken". */
  adapter(model: string): Adapter;
}

export interface OAuthStorageOptions {
  database: Database;
  /** The library's client metadata of a client id. */
  findClient: (id: string) => Record<string, unknown> | undefined;
  /** Thrown when something is consumed a second time. */
  consumedTwice: () => Error;
}

interface Row {
  hash: string;
  payload: string;
  consumed: number | null;
}

export function openOAuthStorage({
  database,
  findClient,
  consumedTwice,
}: OAuthStorageOptions): OAuthStorage {
  migrate(database, "oauth", [
    `CREATE TABLE oauth_item (
       model TEXT NOT NULL, hash TEXT NOT NULL, grant_id TEXT, uid TEXT, user_code TEXT,
       payload TEXT NOT NULL, consumed INTEGER, expires INTEGER,
       PRIMARY KEY (model, hash)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX oauth_item_by_grant ON oauth_item (grant_id)`,
  ]);
  const byHash = database.query<Row>(
    "SELECT hash, payload, consumed FROM oauth_item WHERE model = ? AND hash = ?",
  );
  const byUid = database.query<Row>(
    "SELECT hash, payload, consumed FROM oauth_item WHERE model = ? AND uid = ?",
  );
  const byUserCode = database.query<Row>(
    "SELECT hash, payload, consumed FROM oauth_item WHERE model = ? AND user_code = ?",
  );
  const seconds = () => Math.floor(Date.now() / 1000);

  const adapter = (model: string): Adapter => ({
    upsert: async (id, item, expiresIn) => {
      const payload = { ...item };
      delete payload["jti"];
      database.run("DELETE FROM oauth_item WHERE expires < ?", seconds() - KEPT_AFTER_END_SECONDS);
      database.run(
        `INSERT INTO oauth_item VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (model, hash) DO UPDATE SET payload = excluded.payload, expires = excluded.expires`,
        model,
        hashOf(id),
        text(payload["grantId"]),
        text(payload["uid"]),
        text(payload["userCode"]),
        JSON.stringify(payload),
        null,
        expiresIn === undefined ? null : seconds() + expiresIn,
      );
    },
    find: async (id) =>
      model === "Client" ? findClient(id) : read(byHash.get(model, hashOf(id)), id),
    findByUid: async (uid) => read(byUid.get(model, uid)),
    findByUserCode: async (userCode) => {
      // The library saves again what it found so: under a name for the row, as the code itself is not kept.
      const row = byUserCode.get(model, userCode);
      return read(row, row && nameOf(row.hash));
    },
    consume: async (id) => {
      const sql =
        "UPDATE oauth_item SET consumed = ? WHERE model = ? AND hash = ? AND consumed IS NULL";
      if (database.run(sql, seconds(), model, hashOf(id)) === 0) throw consumedTwice();
    },
    destroy: async (id) => {
      database.run("DELETE FROM oauth_item WHERE model = ? AND hash = ?", model, hashOf(id));
    },
    revokeByGrantId: async (grantId) => {
      database.run("DELETE FROM oauth_item WHERE grant_id = ?", grantId);
    },
  });
  return { adapter };
}

/** The library itself refuses what has expired; this only keeps the file small. */
const KEPT_AFTER_END_SECONDS = 3600;

function read(row: Row | undefined, id?: string): Record<string, unknown> | undefined {
  if (!row) return undefined;
  const payload = JSON.parse(row.payload) as Record<string, unknown>;
  return {
    ...payload,
    ...(id === undefined ? {} : { jti: id }),
    ...(row.consumed === null ? {} : { consumed: row.consumed }),
  };
}

/** Names rows in this process alone: what is in the file makes none. */
const NAMING_KEY = randomBytes(32);

function nameOf(hash: string): string {
  return `row.${hash}.${createHmac("sha256", NAMING_KEY).update(hash).digest("base64url")}`;
}

function hashOf(id: string): string {
  const [, named] = /^row\.([\w-]+)\./.exec(id) ?? [];
  if (named !== undefined && id === nameOf(named)) return named;
  return createHash("sha256").update(id).digest("base64url");
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
