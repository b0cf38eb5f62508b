/**
 * Sign-in by a code that is mailed to the account's address: eight letters, good for ten minutes, for one sign-in, and for five tries.
 * A file with the codes opens nothing: each is kept as a keyed hash.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { type Database, migrate } from "../../../store/index.ts";
import { randomLetters } from "../../../protocol/letters.ts";

export interface SignInCodes {
  /** A new code for this interaction in place of any other; undefined where three were sent already. */
  make(interaction: string, accountId: string): string | undefined;
  /** The account that the code signs in to, which it does once; undefined where it is wrong, over, or tried too often. */
  take(interaction: string, code: string): string | undefined;
  /** Whether a code was sent. */
  wasSent(interaction: string): boolean;
}

const LIFETIME_MS = 600_000;
const MAX_TRIES = 5;
const MAX_SENT = 3;

interface Row {
  accountId: string;
  hash: string;
  tries: number;
  sent: number;
  until: number;
}

export function openSignInCodes(
  database: Database,
  { secret, now }: { secret: string; now: () => number },
): SignInCodes {
  migrate(database, "sign-in-codes", [
    `CREATE TABLE sign_in_code (
       interaction TEXT PRIMARY KEY, account_id TEXT NOT NULL, hash TEXT NOT NULL, tries INTEGER NOT NULL,
       sent INTEGER NOT NULL, until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID`,
  ]);
  const select = database.query<Row>(
    "SELECT account_id AS accountId, hash, tries, sent, until FROM sign_in_code WHERE interaction = ?",
  );
  const hashOf = (interaction: string, code: string) =>
    createHmac("sha256", secret)
      .update(JSON.stringify([interaction, code]))
      .digest("hex");
  return {
    make: (interaction, accountId) =>
      database.transaction(() => {
        database.run("DELETE FROM sign_in_code WHERE until <= ?", now() - LIFETIME_MS);
        const sent = (select.get(interaction)?.sent ?? 0) + 1;
        if (sent > MAX_SENT) return undefined;
        const code = randomLetters();
        database.run(
          "INSERT OR REPLACE INTO sign_in_code VALUES (?, ?, ?, 0, ?, ?)",
          interaction,
          accountId,
          hashOf(interaction, code),
          sent,
          now() + LIFETIME_MS,
        );
        return code;
      }),
    take: (interaction, text) =>
      database.transaction(() => {
        const row = select.get(interaction);
        if (!row || row.until <= now() || row.tries >= MAX_TRIES) return undefined;
        database.run(
          "UPDATE sign_in_code SET tries = tries + 1 WHERE interaction = ?",
          interaction,
        );
        const code = text.toUpperCase().replace(/[^A-Z]/g, "");
        const [given, kept] = [hashOf(interaction, code), row.hash].map((hash) =>
          Buffer.from(hash),
        );
        if (!timingSafeEqual(given!, kept!)) return undefined;
        database.run("UPDATE sign_in_code SET until = 0 WHERE interaction = ?", interaction);
        return row.accountId;
      }),
    wasSent: (interaction) => (select.get(interaction)?.until ?? 0) > now(),
  };
}
