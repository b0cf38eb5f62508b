/**
 * How a program without a browser gets a session (RFC 8628): it shows an address and a code, the person opens the address where they
 * are signed in at the platform and lets the program in, and the program, which asks meanwhile, gets its token, once. What the page
 * shows comes from here, never from the address; and only a form of this page itself is taken for the person's word.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import express, { type Request, type Response, Router } from "express";
import { escapeHtml } from "../protocol/index.ts";
import { randomLetters, showLetters } from "../protocol/letters.ts";
import type { Database } from "../store/index.ts";
import { page } from "./page.ts";
import type { Identify, Sessions } from "./sessions.ts";

export interface DeviceSignInOptions {
  db: Database;
  sessions: Sessions;
  identify: Identify | undefined;
  /** Where a browser signs in and comes back from, where this orchestrator has a sign-in of its own. */
  signInPath: ((then: string) => string) | undefined;
  now: () => number;
}

const LIFETIME_MS = 10 * 60 * 1000;
/** A person waits for who asks. */
const INTERVAL_S = 2;
const SESSION_MS = 30 * 24 * 60 * 60 * 1000;
const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const MOST_OPEN = 1000;

interface Row {
  codeHash: string;
  userCode: string;
  agent: string;
  /** What the page's form must bring. */
  form: string | null;
  state: "pending" | "approved" | "declined" | "used";
  person: string | null;
  expiresAt: number;
  polledAt: number;
}

const COLUMNS =
  "code_hash AS codeHash, user_code AS userCode, agent, form, state, person, expires_at AS expiresAt, polled_at AS polledAt";

/** `POST /v1/device_authorization` and `POST /v1/token` for programs, and `/device` for people. */
export function deviceSignIn(options: DeviceSignInOptions): Router {
  const router = Router();
  const form = express.urlencoded({ extended: false, limit: "8kb" });
  router.post("/v1/device_authorization", form, (request, response) => {
    begin(options, request, response);
  });
  router.post("/v1/token", form, (request, response) => {
    poll(options, request, response);
  });
  router.get("/device", (request, response) => show(options, request, response));
  router.post("/device", form, (request, response) => decide(options, request, response));
  return router;
}

function begin({ db, now }: DeviceSignInOptions, request: Request, response: Response): void {
  const agent =
    field(request, "client_id")
      .replaceAll(/[^\w-]/g, "-")
      .slice(0, 50) || "cli";
  db.run("DELETE FROM device_code WHERE expires_at <= ?", now());
  const open = db.query<{ count: number }>("SELECT count(*) AS count FROM device_code").get();
  if ((open?.count ?? 0) >= MOST_OPEN) {
    response.status(429).json({ error: "slow_down" });
    return;
  }
  const code = randomBytes(32).toString("base64url");
  const userCode = randomLetters();
  db.run(
    "INSERT INTO device_code (code_hash, user_code, agent, state, expires_at, polled_at) VALUES (?, ?, ?, 'pending', ?, 0)",
    hashOf(code),
    userCode,
    agent,
    now() + LIFETIME_MS,
  );
  const page = `${request.protocol}://${request.get("host") ?? "127.0.0.1"}${request.baseUrl}/device`;
  const shown = showLetters(userCode);
  response.set("cache-control", "no-store").json({
    device_code: code,
    user_code: shown,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${shown}`,
    expires_in: LIFETIME_MS / 1000,
    interval: INTERVAL_S,
  });
}

function poll(
  { db, sessions, now }: DeviceSignInOptions,
  request: Request,
  response: Response,
): void {
  const refuse = (error: string) => void response.status(400).json({ error });
  response.set("cache-control", "no-store");
  if (field(request, "grant_type") !== GRANT) return refuse("unsupported_grant_type");
  const codeHash = hashOf(field(request, "device_code"));
  const row = db.query<Row>(`SELECT ${COLUMNS} FROM device_code WHERE code_hash = ?`).get(codeHash);
  if (!row || row.state === "used") return refuse("invalid_grant");
  if (row.expiresAt <= now()) return refuse("expired_token");
  if (row.state === "declined") return refuse("access_denied");
  if (row.state === "pending") {
    db.run("UPDATE device_code SET polled_at = ? WHERE code_hash = ?", now(), codeHash);
    return refuse(now() - row.polledAt < INTERVAL_S * 500 ? "slow_down" : "authorization_pending");
  }
  const token = db.transaction(() => {
    const sql = "UPDATE device_code SET state = 'used' WHERE code_hash = ? AND state = 'approved'";
    if (db.run(sql, codeHash) === 0) return undefined;
    const { agent } = row;
    return sessions.startFor(row.person ?? "", { agent, expiresAt: now() + SESSION_MS });
  });
  if (!token) return refuse("invalid_grant");
  response.json({
    access_token: token.reveal(),
    token_type: "Bearer",
    expires_in: SESSION_MS / 1000,
  });
}

async function show(
  { db, identify, signInPath, now }: DeviceSignInOptions,
  request: Request,
  response: Response,
): Promise<void> {
  const user = await identify?.(request);
  if (!user && signInPath) return response.redirect(303, signInPath(request.originalUrl));
  if (!user) return signInFirst(response);
  const row = find(db, now, queryText(request, "user_code"));
  if (!row) return askForCode(response);
  const token = randomBytes(24).toString("base64url");
  db.run("UPDATE device_code SET form = ? WHERE code_hash = ?", token, row.codeHash);
  const hidden = `<input type="hidden" name="user_code" value="${row.userCode}"><input type="hidden" name="form" value="${token}">`;
  const buttons = `<button name="answer" value="approve">Let it in</button> <button name="answer" value="decline">Decline</button>`;
  const what = `<p>The program <strong>${escapeHtml(row.agent)}</strong> shows the code <strong>${showLetters(row.userCode)}</strong> and asks to act for ${escapeHtml(user.email)} in all projects. If it shows another code, or you did not ask for this, decline.</p>`;
  page(response, 200, "Let a program in?", `${what}<form method="post">${hidden}${buttons}</form>`);
}

async function decide(
  options: DeviceSignInOptions,
  request: Request,
  response: Response,
): Promise<void> {
  const { db, identify, sessions, now } = options;
  const user = await identify?.(request);
  if (!user) return signInFirst(response);
  const row = find(db, now, field(request, "user_code"));
  if (!row || !same(row.form, field(request, "form"))) return askForCode(response);
  const approved = field(request, "answer") === "approve";
  sessions.know(user);
  db.run(
    "UPDATE device_code SET state = ?, person = ?, form = NULL WHERE code_hash = ? AND state = 'pending'",
    approved ? "approved" : "declined",
    user.id,
    row.codeHash,
  );
  page(
    response,
    200,
    approved ? "It is in" : "Declined",
    "<p>You can close this page and go back to the program.</p>",
  );
}

function find(db: Database, now: () => number, text: string): Row | undefined {
  const userCode = text.toUpperCase().replaceAll(/[^A-Z]/g, "");
  return db
    .query<Row>(
      `SELECT ${COLUMNS} FROM device_code WHERE user_code = ? AND state = 'pending' AND expires_at > ?`,
    )
    .get(userCode, now());
}

function signInFirst(response: Response): void {
  page(response, 401, "Sign in first", "<p>Sign in, and open this page again.</p>");
}

function askForCode(response: Response): void {
  const form = `<form method="get"><label>Code <input name="user_code" autocomplete="off" required></label> <button>Continue</button></form>`;
  page(response, 200, "Enter the code", `<p>Enter the code that the program shows.</p>${form}`);
}

function field(request: Request, name: string): string {
  const value = (request.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === "string" ? value : "";
}

function queryText(request: Request, name: string): string {
  const value = request.query[name];
  return typeof value === "string" ? value : "";
}

function same(expected: string | null, given: string): boolean {
  if (expected === null || expected.length !== given.length) return false;
  return timingSafeEqual(Buffer.from(expected), Buffer.from(given));
}

function hashOf(code: string): string {
  return createHash("sha256").update(code).digest("hex");
}
