/**
 * `/provisioning/account`: where an account's owner sees, without any orchestrator, what they have here and which agents may do what, and
 * takes it back one by one. They come by a deep link, or sign in by a mailed code. What is revoked ends at once, with its tokens.
 */
import express, { type Request, type RequestHandler, type Response, Router } from "express";
import type { Database } from "../../../store/index.ts";
import type { Accounts } from "../accounts.ts";
import type { Connections } from "../connections.ts";
import type { Consents } from "../consents.ts";
import { isSame } from "../consent/interactions.ts";
import { showLetters } from "../../../protocol/letters.ts";
import type { Mailer } from "../consent/mail.ts";
import { codePage, emailPage, page, pageHeaders } from "../consent/pages.ts";
import type { SignInCodes } from "../consent/sign-in-codes.ts";
import type { OAuth } from "../oauth.ts";
import type { Resources } from "../resources/store.ts";
import { covers } from "../scopes.ts";
import { accountPage } from "./account-page.ts";
import { type DeepLinks, OPEN_PATH } from "./deep-links.ts";
import type { Sessions } from "./sessions.ts";

export interface AccountPagesOptions {
  readonly providerName: string;
  readonly database: Database;
  readonly accounts: Accounts;
  readonly connections: Connections;
  readonly consents: Consents;
  readonly resources: Resources;
  readonly oauth: OAuth;
  readonly links: Pick<DeepLinks, "take">;
  readonly sessions: Sessions;
  readonly codes: SignInCodes;
  readonly mail: Mailer;
}

const ACCOUNT_PATH = "/provisioning/account";

interface Visit {
  readonly request: Request;
  readonly response: Response;
  readonly secret: string;
  readonly accountId: string | undefined;
  readonly form: { token: string };
}

export function accountPages(options: AccountPagesOptions): Router {
  const { sessions, links } = options;
  const router = Router();
  const visited =
    (act: (visit: Visit) => Promise<void> | void): RequestHandler =>
    (request, response) => {
      const known = sessions.visit(request, response);
      response.set(pageHeaders());
      return act({ request, response, ...known, form: { token: sessions.tokenOf(known.secret) } });
    };
  router.get(`${OPEN_PATH}/:secret`, (request, response) => {
    const found = links.take(request.params["secret"]);
    response.set(pageHeaders());
    if (!found) {
      const text = "<p>It was used already, or has ended. Ask your agent for another.</p>";
      response.status(410).type("html").send(page("This link is over", text));
      return;
    }
    sessions.signIn(response, found.accountId);
    response.redirect(303, found.path);
  });
  router.get(
    ACCOUNT_PATH,
    visited((visit) => show(visit, options)),
  );
  router.post(
    ACCOUNT_PATH,
    express.urlencoded({ extended: false, limit: "4kb" }),
    visited(async (visit) => {
      if (!isSame(field(visit, "token"), visit.form.token)) {
        const text = "<p>Nothing was changed. Open the page again.</p>";
        visit.response.status(403).type("html").send(page("This form is another browser's", text));
        return;
      }
      const act = ACTIONS[field(visit, "step")];
      if (act) await act(visit, options);
      else show(visit, options);
    }),
  );
  return router;
}

type Act = (visit: Visit, options: AccountPagesOptions) => Promise<void> | void;

const ACTIONS: Readonly<Record<string, Act>> = {
  send: async (visit, { accounts, codes, mail, providerName }) => {
    const account = accounts.findByEmail(field(visit, "email"));
    const code = account && codes.make(signInOf(visit), account.id);
    // Whether there is such an account is not said.
    if (account && code !== undefined) {
      const text = `Your code is ${showLetters(code)}. Somebody is signing in to ${providerName} with your address; if it is not you, do nothing.`;
      await mail({ to: account.email, subject: `${providerName}: your code`, text });
    }
    send(visit, codePage(providerName, visit.form));
  },
  code: (visit, { codes, providerName, sessions }) => {
    const accountId = codes.take(signInOf(visit), field(visit, "code"));
    if (accountId === undefined)
      return send(
        visit,
        codePage(providerName, { ...visit.form, problem: "That code does not hold." }),
      );
    sessions.signIn(visit.response, accountId);
    visit.response.redirect(303, ACCOUNT_PATH);
  },
  revoke: async (visit, options) => {
    if (visit.accountId === undefined) return show(visit, options);
    const scope = field(visit, "scope");
    await revoke(Number(field(visit, "consent")), scope === "" ? undefined : scope, {
      ...options,
      accountId: visit.accountId,
    });
    visit.response.redirect(303, ACCOUNT_PATH);
  },
  leave: (visit, { sessions }) => {
    sessions.signOut(visit.secret);
    visit.response.redirect(303, ACCOUNT_PATH);
  },
};

/** Takes a consent back, whole or one scope of it, and ends the connections that need what is gone. */
async function revoke(
  id: number,
  scope: string | undefined,
  {
    accountId,
    connections,
    consents,
    database,
    oauth,
  }: AccountPagesOptions & { accountId: string },
): Promise<void> {
  const ended = database.transaction(() => {
    const consent = consents.take(id, accountId);
    if (!consent) return [];
    const scopes = consent.scopes
      .split(" ")
      .filter((name) => scope !== undefined && name !== scope);
    if (scopes.length > 0) consents.give({ ...consent, scopes: scopes.join(" ") });
    const left = scopes.join(" ");
    const over = connections.listOf(consent).filter((one) => !covers(left, one.scope));
    for (const connection of over) connections.remove(connection.id);
    return over;
  });
  for (const { id } of ended) await oauth.revoke(id);
}

function show(
  visit: Visit,
  { accounts, consents, providerName, resources }: AccountPagesOptions,
): void {
  const { accountId = "" } = visit;
  const account = accounts.find(accountId);
  if (!account) return send(visit, emailPage(providerName, undefined, visit.form));
  const facts = {
    account,
    consents: consents.list(accountId),
    resources: resources.list(accountId),
  };
  send(visit, accountPage(providerName, facts, visit.form));
}

function send({ response }: Visit, html: string): void {
  response.type("html").send(html);
}

/** A sign-in that no interaction of OAuth asks for. */
function signInOf({ secret }: Visit): string {
  return `account ${secret}`;
}

function field({ request }: Visit, name: string): string {
  const value = (request.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === "string" ? value.slice(0, 300) : "";
}
