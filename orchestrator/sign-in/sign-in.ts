/**
 * The orchestrator's own sign-in, for one that stands in no platform: `/sign-in` sends a browser to an OpenID Connect issuer and back, and
 * from then on the browser is its user's. Where it goes afterwards is a path of this orchestrator, whatever the address says.
 */
import express, { type Request, type Response, Router } from "express";
import { escapeHtml } from "../../protocol/index.ts";
import type { Database } from "../../store/index.ts";
import { OrchestratorError } from "../error.ts";
import { page } from "../page.ts";
import type { People, User } from "../people.ts";
import type { Identify } from "../sessions.ts";
import { BrowserSessions, readCookie } from "./browser-sessions.ts";
import { type Attempt, type IssuerOptions, openIssuerClient } from "./issuer-client.ts";

export interface SignInOptions extends IssuerOptions {
  /** Where browsers reach this orchestrator; `startOrchestrator` knows it by itself. The issuer must know `…/sign-in/callback`. */
  publicUrl?: string | (() => string);
  /** Who of the issuer's users may be users here; by default all. */
  admits?: (user: User) => boolean;
}

export interface SignIn {
  readonly router: Router;
  readonly identify: Identify;
}

const ATTEMPT_COOKIE = "purser_sign_in";
const ATTEMPT_MS = 10 * 60 * 1000;

export function openSignIn({
  db,
  people,
  now,
  publicUrl,
  admits = () => true,
  ...issuer
}: SignInOptions & { db: Database; people: People; now: () => number }): SignIn {
  if (publicUrl === undefined) throw withoutAddress();
  const origin = () =>
    new URL(typeof publicUrl === "string" ? publicUrl : publicUrl()).href.replace(/\/$/, "");
  const client = openIssuerClient(issuer);
  const secure = () => origin().startsWith("https:");
  const sessions = new BrowserSessions({ db, people, secure, now });
  const callback = () => `${origin()}/sign-in/callback`;

  const begin = async (request: Request, response: Response) => {
    const goesOn = localPath(request.query["then"], origin());
    const { url, attempt } = await client.begin(callback());
    const kept = Buffer.from(JSON.stringify({ ...attempt, goesOn })).toString("base64url");
    const cookie = { ...sessions.cookie("/sign-in"), maxAge: ATTEMPT_MS };
    response.cookie(ATTEMPT_COOKIE, kept, cookie).redirect(303, url);
  };
  const finish = async (request: Request, response: Response) => {
    const kept = readAttempt(readCookie(request, ATTEMPT_COOKIE));
    // An attempt is for one answer.
    response.clearCookie(ATTEMPT_COOKIE, sessions.cookie("/sign-in"));
    if (!kept) throw notBegun();
    const query = new URL(request.originalUrl, "http://host").search;
    const user = await client.finish(new URL(callback() + query), kept);
    if (!admits(user)) throw notAdmitted();
    sessions.start(response, user);
    response.redirect(303, localPath(kept.goesOn, origin()));
  };
  const safely =
    (work: (request: Request, response: Response) => Promise<void>) =>
    async (request: Request, response: Response) => {
      try {
        await work(request, response);
      } catch (error) {
        const [status, text] = explain(error);
        const again = `<p><a href="/sign-in/start">Sign in again</a></p>`;
        page(response, status, "You are not signed in", `<p>${escapeHtml(text)}</p>${again}`);
      }
    };

  const router = Router();
  router.get("/sign-in", (request, response) => {
    const user = sessions.find(request);
    if (!user) return response.redirect(303, "/sign-in/start");
    const token = sessions.formToken(request);
    const form = `<form method="post" action="/sign-out"><input type="hidden" name="form" value="${token}"><button>Sign out</button></form>`;
    const who = `<p>${escapeHtml(user.name)}, ${escapeHtml(user.email)}</p><p>Let a program in at <a href="/device">/device</a>.</p>`;
    return page(response, 200, "You are signed in", who + form);
  });
  router.get("/sign-in/start", safely(begin));
  router.get("/sign-in/callback", safely(finish));
  router.post(
    "/sign-out",
    express.urlencoded({ extended: false, limit: "8kb" }),
    (request, response) => {
      const { form } = (request.body ?? {}) as { form?: unknown };
      if (typeof form !== "string" || !sessions.isOurForm(request, form))
        return page(response, 403, "Nothing was done", "<p>This is no form of ours.</p>");
      sessions.end(request, response);
      return page(response, 200, "You are signed out", "");
    },
  );
  return {
    router,
    // Who is no longer admitted is nobody from then on, signed in or not.
    identify: (request) => {
      const user = sessions.find(request);
      return user && admits(user) ? user : undefined;
    },
  };
}

/** Where a browser begins that is to come back to a path of ours. */
export function signInPath(then: string): string {
  return `/sign-in/start?then=${encodeURIComponent(then)}`;
}

/** The path, where it is one of this orchestrator; otherwise the page that says who is signed in. */
function localPath(given: unknown, origin: string): string {
  const home = "/sign-in";
  if (typeof given !== "string" || given.length > 500 || !/^\/(?![/\\])/.test(given)) return home;
  const url = URL.parse(given, origin);
  return url?.origin === new URL(origin).origin ? url.pathname + url.search : home;
}

function readAttempt(text: string | undefined): (Attempt & { goesOn?: unknown }) | undefined {
  try {
    const kept = JSON.parse(Buffer.from(text ?? "", "base64url").toString()) as Partial<Attempt>;
    const { state, nonce, verifier } = kept;
    const whole = [state, nonce, verifier].every(
      (value) => typeof value === "string" && value !== "",
    );
    return whole ? (kept as Attempt) : undefined;
  } catch {
    return undefined;
  }
}

/** What a person is told: our own words, as the issuer's may be anybody's. */
function explain(error: unknown): [status: number, text: string] {
  if (error instanceof OrchestratorError) return [403, `${error.problem} ${error.nextStep}`];
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === "OAUTH_AUTHORIZATION_RESPONSE_ERROR") return [403, "The issuer did not let you in."];
  if (typeof code === "string" && code.startsWith("OAUTH_"))
    return [400, "What the issuer answered does not fit what it was asked."];
  return [502, "The issuer could not be reached."];
}

function notBegun(): OrchestratorError {
  return new OrchestratorError("SIGN_IN_INVALID", {
    problem: "This browser has not begun to sign in here, or began more than ten minutes ago.",
    nextStep: "Sign in again.",
  });
}

function notAdmitted(): OrchestratorError {
  return new OrchestratorError("SIGN_IN_INVALID", {
    problem: "You are signed in with the issuer, and are no user of this orchestrator.",
    nextStep: "Ask whoever runs it to admit you.",
  });
}

function withoutAddress(): OrchestratorError {
  return new OrchestratorError("SIGN_IN_INVALID", {
    problem: "The sign-in does not know where browsers reach this orchestrator.",
    nextStep: "Give it publicUrl.",
  });
}
