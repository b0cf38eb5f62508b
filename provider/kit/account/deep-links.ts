/**
 * `POST /provisioning/deep_links`: an address that signs the account's owner in to the provider's own pages: once, within ten minutes. Only
 * an agent that may act for the whole account gets one, and it leads to a path of this provider, never elsewhere.
 */
import { createHash, randomBytes } from "node:crypto";
import { Router } from "express";
import { DeepLinkRequest, type DeepLink } from "../../../protocol/index.ts";
import { type Database, migrate } from "../../../store/index.ts";
import type { Authenticate } from "../bearer.ts";
import { ENVELOPES, ProvisioningError, sendError } from "../error.ts";
import { readBody } from "../resources/order.ts";
import { bodyOf, requireGrantee } from "../signed-requests.ts";

/** Where each purpose leads. */
export const DEEP_LINK_PURPOSES: Readonly<Record<string, string>> = {
  dashboard: "/provisioning/account",
};
export const OPEN_PATH = "/provisioning/open";
const LIFETIME_MS = 600_000;

export interface DeepLinks {
  /** The endpoint; the signed-request gate stands before it. */
  readonly router: Router;
  /** What a link opens, which it does once. */
  take(secret: string): { accountId: string; path: string } | undefined;
}

export function openDeepLinks({
  database,
  authenticate,
  publicUrl,
  now,
}: {
  database: Database;
  authenticate: Authenticate;
  publicUrl: string;
  now: () => number;
}): DeepLinks {
  migrate(database, "deep-links", [
    `CREATE TABLE deep_link (
       hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, path TEXT NOT NULL, until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID`,
  ]);
  const select = database.query<{ accountId: string; path: string }>(
    "SELECT account_id AS accountId, path FROM deep_link WHERE hash = ? AND until > ?",
  );
  const router = Router();
  router.post("/provisioning/deep_links", async (request, response) => {
    try {
      const connection = await authenticate(request, "account");
      requireGrantee(connection, response.locals);
      const { accountId } = connection;
      const { purpose, path } = readBody(DeepLinkRequest, bodyOf(request));
      const secret = randomBytes(32).toString("base64url");
      const until = now() + LIFETIME_MS;
      const to = pathFor(purpose, path);
      database.run("DELETE FROM deep_link WHERE until <= ?", now());
      database.run(
        "INSERT INTO deep_link VALUES (?, ?, ?, ?)",
        hashOf(secret),
        accountId,
        to,
        until,
      );
      const url = `${publicUrl}${OPEN_PATH}/${secret}`;
      const link: DeepLink = { purpose, url, expires_at: new Date(until).toISOString() };
      response.set("Cache-Control", "no-store").json(link);
    } catch (error) {
      sendError(response, error, ENVELOPES.flat);
    }
  });
  return {
    router,
    take: (secret) =>
      database.transaction(() => {
        const hash = hashOf(secret);
        const found = select.get(hash, now());
        database.run("DELETE FROM deep_link WHERE hash = ?", hash);
        return found;
      }),
  };
}

function pathFor(purpose: string, path: string | undefined): string {
  const base = Object.hasOwn(DEEP_LINK_PURPOSES, purpose) ? DEEP_LINK_PURPOSES[purpose] : undefined;
  if (base === undefined) {
    throw new ProvisioningError("not_supported", {
      problem: `There is no deep link for "${purpose}".`,
      nextStep: `Use ${Object.keys(DEEP_LINK_PURPOSES).join(", ")}.`,
    });
  }
  if (path === undefined) return base;
  // One slash and then no other: what a browser would take for another host is no path.
  if (/^\/(?![/\\])[\w\-./~%?=&]*$/.test(path) && !path.includes("..")) return path;
  throw new ProvisioningError("invalid_request", {
    problem: "The path is not one of this provider's.",
    nextStep: "Give a path that begins with one slash, or leave it out.",
  });
}

export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
