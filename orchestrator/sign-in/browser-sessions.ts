/**
 * Which browser is whose. A browser has a random token in a cookie that no script and no other site's form can use; here its hash alone is
 * kept, so that whoever reads the folder is nobody.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { CookieOptions, Request, Response } from "express";
import type { Database } from "../../store/index.ts";
import type { People, User } from "../people.ts";

export interface BrowserSessionsOptions {
  db: Database;
  people: People;
  /** Whether the cookie is for TLS alone. */
  secure: () => boolean;
  now: () => number;
}

const LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;

export class BrowserSessions {
  readonly #parts: BrowserSessionsOptions;

  constructor(parts: BrowserSessionsOptions) {
    this.#parts = parts;
  }

  /** A new one, whatever the browser had before. */
  start(response: Response, user: User): void {
    const { db, people, now } = this.#parts;
    const token = randomBytes(32).toString("base64url");
    db.transaction(() => {
      people.keep(user);
      db.run("DELETE FROM browser_session WHERE expires_at <= ?", now());
      db.run(
        "INSERT INTO browser_session (token_hash, person, expires_at) VALUES (?, ?, ?)",
        hashOf(token),
        user.id,
        now() + LIFETIME_MS,
      );
    });
    response.cookie(this.#name(), token, { ...this.cookie("/"), maxAge: LIFETIME_MS });
  }

  find(request: Request): User | undefined {
    const token = this.#token(request);
    if (token === undefined) return undefined;
    const { db, people, now } = this.#parts;
    const row = db
      .query<{ person: string }>(
        "SELECT person FROM browser_session WHERE token_hash = ? AND expires_at > ?",
      )
      .get(hashOf(token), now());
    return row && people.find(row.person);
  }

  end(request: Request, response: Response): void {
    const token = this.#token(request) ?? "";
    this.#parts.db.run("DELETE FROM browser_session WHERE token_hash = ?", hashOf(token));
    response.clearCookie(this.#name(), this.cookie("/"));
  }

  /** What a form of ours brings back, and a form of another site cannot know. */
  formToken(request: Request): string {
    return createHmac("sha256", this.#token(request) ?? "")
      .update("form")
      .digest("base64url");
  }

  isOurForm(request: Request, given: string): boolean {
    const [wanted, sent] = [Buffer.from(this.formToken(request)), Buffer.from(given)];
    return wanted.length === sent.length && timingSafeEqual(wanted, sent);
  }

  /** How every cookie of the sign-in is set. `lax`: it comes along when the issuer sends the browser back. */
  cookie(path: string): CookieOptions {
    return { httpOnly: true, sameSite: "lax", secure: this.#parts.secure(), path };
  }

  #token(request: Request): string | undefined {
    return readCookie(request, this.#name());
  }

  #name(): string {
    // The prefix keeps other hosts of the domain from setting it.
    return this.#parts.secure() ? "__Host-purser" : "purser_session";
  }
}

export function readCookie(request: Request, name: string): string | undefined {
  for (const part of (request.get("cookie") ?? "").slice(0, 8192).split(";")) {
    const [key = "", value = ""] = part.trim().split(/=(.*)/s);
    if (key === name && /^[\w.%-]{1,2000}$/.test(value)) return decodeURIComponent(value);
  }
  return undefined;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
