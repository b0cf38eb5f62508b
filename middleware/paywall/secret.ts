/**
 * The key of this seller's own, from which the ids of its MPP challenges and the names of its settlements come. It is made once and
 * kept in the seller's database, so that every process of the seller's, also after a restart, knows its own again.
 */
import { randomBytes } from "node:crypto";
import { type Database, migrate } from "../../store/index.ts";
import { hmacSeal, type Seal } from "../../protocol/one-shot-hmac.ts";

const STEPS = [
  "CREATE TABLE paywall_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL) STRICT",
];

export function openSeal(db: Database): Seal {
  migrate(db, "paywall-secret", STEPS);
  const sql = "INSERT OR IGNORE INTO paywall_secret (id, secret) VALUES (1, ?)";
  db.run(sql, randomBytes(32));
  const row = db.query<{ secret: Uint8Array }>("SELECT secret FROM paywall_secret").get();
  if (!row) throw new Error("a secret that was written is there");
  return hmacSeal(row.secret);
}
