/** Who is signed in to a provider's own pages: a cookie that no script sees and no other site's form sends, for an hour. */
import { createHmac, randomBytes } from "node:crypto";
import type { Request, Response } from "express";
import { type Database, migrate } from "../../../store/index.ts";
import { hashOf } from "./deep-links.ts";

export interface Sessions {
  /** The browser's own secret, made at its first visit; what it is signed in to, if it is. */
  visit(request: Request, response: Response): { secret: string; accountId: string | undefined };
  /** Signs the browser in, under a new secret. */
  signIn(response: Response, accountId: string): void;
  signOut(secret: string): void;
  /** What a form of this browser's carries. */
  tokenOf(secret: string): string;
}

const COOKIE = "provider_account";
const LIFETIME_MS = 3_600_000;

export function openSessions({
  database,
  secret: key,
  publicUrl,
  now,
}: {
  database: Database;
  secret: string;
  publicUrl: string;
  now: () => number;
}): Sessions {
  migrate(database, "account-sessions", [
    `CREATE TABLE account_session (
       hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID`,
  ]);
  const select = database.query<{ accountId: string }>(
    "SELECT account_id AS accountId FROM account_session WHERE hash = ? AND until > ?",
  );
  const give = (response: Response) => {
    const value = randomBytes(32).toString("base64url");
    response.cookie(COOKIE, value, {
      httpOnly: true,
      sameSite: "lax",
      secure: publicUrl.startsWith("https:"),
      path: "/provisioning",
      maxAge: LIFETIME_MS,
    });
    return value;
  };
  return {
    visit: (request, response) => {
      const [, known] =
        new RegExp(`(?:^|; )${COOKIE}=([\\w-]{43})(?:;|$)`).exec(request.get("cookie") ?? "") ?? [];
      if (known === undefined) return { secret: give(response), accountId: undefined };
      return { secret: known, accountId: select.get(hashOf(known), now())?.accountId };
    },
    signIn: (response, accountId) => {
      const until = now() + LIFETIME_MS;
      database.run("DELETE FROM account_session WHERE until <= ?", now());
      database.run(
        "INSERT INTO account_session VALUES (?, ?, ?)",
        hashOf(give(response)),
        accountId,
        until,
      );
    },
    signOut: (secret) => {
      database.run("DELETE FROM account_session WHERE hash = ?", hashOf(secret));
    },
    tokenOf: (secret) => createHmac("sha256", key).update(`account ${secret}`).digest("base64url"),
  };
}
