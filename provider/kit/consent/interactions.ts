/**
 * Where an owner signs in and consents, as steps of `oidc-provider`'s interactions. A step is bound to the browser by the library's
 * cookie, which no other site's form can send, and by a token in the form. Consent links the orchestrator's user to the account,
 * so that from then on it need not be asked; declining changes nothing.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import express, { type Request, type Response, Router } from "express";
import type Provider from "oidc-provider";
import type { Interaction } from "oidc-provider";
import type { Database } from "../../../store/index.ts";
import type { Accounts } from "../accounts.ts";
import type { Connections } from "../connections.ts";
import type { Consents } from "../consents.ts";
import { DEFAULT_SCOPE, isScope } from "../scopes.ts";
import type { Trust } from "../trust.ts";
import { showLetters } from "../../../protocol/letters.ts";
import type { Mailer } from "./mail.ts";
import { codePage, consentPage, emailPage, type Form, page, pageHeaders } from "./pages.ts";
import type { PendingRequest, PendingRequests } from "./pending-requests.ts";
import type { SignInCodes } from "./sign-in-codes.ts";

export interface InteractionsOptions {
  readonly library: Promise<Provider>;
  readonly providerName: string;
  readonly database: Database;
  readonly accounts: Accounts;
  readonly connections: Connections;
  readonly consents: Consents;
  readonly publicUrl: string;
  readonly now: () => number;
  readonly trust: Trust;
  readonly pending: PendingRequests;
  readonly codes: SignInCodes;
  readonly mail: Mailer;
  /** Keys the forms' tokens. */
  readonly secret: string;
}

export const INTERACTION_PATH = "/provisioning/consent";

interface Step {
  readonly library: Provider;
  readonly interaction: Interaction;
  /** The account request that it is about; undefined for an OAuth client that came by itself. */
  readonly asked: PendingRequest | undefined;
  readonly request: Request;
  readonly response: Response;
  readonly form: Form;
}

export function interactions(options: InteractionsOptions): Router {
  const router = Router();
  router.get(`${INTERACTION_PATH}/:uid`, step(options, show));
  router.post(
    `${INTERACTION_PATH}/:uid`,
    express.urlencoded({ extended: false, limit: "4kb" }),
    step(options, async (at, all) => {
      if (!isSame(fieldOf(at.request, "token"), at.form.token)) return over(at.response);
      const act = ACTIONS[fieldOf(at.request, "step")];
      return act ? act(at, all) : show(at, all);
    }),
  );
  return router;
}

type Act = (at: Step, options: InteractionsOptions) => Promise<void> | void;

const ACTIONS: Readonly<Record<string, Act>> = {
  send: async (at, { accounts, codes, mail, providerName }) => {
    const email = at.asked?.email ?? fieldOf(at.request, "email");
    const account = accounts.findByEmail(email);
    const code = account && codes.make(at.interaction.uid, account.id);
    if (account && code === undefined)
      return send(
        at,
        emailPage(providerName, at.asked?.email, {
          ...at.form,
          problem: "That was the last code. Begin anew.",
        }),
      );
    // Whether there is such an account is not said.
    if (account && code !== undefined) {
      const text = `Your code is ${showLetters(code)}. Somebody is signing in to ${providerName} with your address; if it is not you, do nothing.`;
      await mail({ to: account.email, subject: `${providerName}: your code`, text });
    }
    send(at, codePage(providerName, at.form));
  },
  again: (at, { providerName }) => send(at, emailPage(providerName, at.asked?.email, at.form)),
  code: async (at, { codes, providerName }) => {
    const accountId = codes.take(at.interaction.uid, fieldOf(at.request, "code"));
    if (accountId === undefined) {
      const problem = "That code does not hold.";
      return send(at, codePage(providerName, { ...at.form, problem }));
    }
    await at.library.interactionFinished(at.request, at.response, { login: { accountId } });
  },
  decide: async (at, options) => {
    if (at.interaction.prompt.name !== "consent") return show(at, options);
    const approved = fieldOf(at.request, "answer") === "approve";
    const grantId = approved ? await grant(at, options) : undefined;
    if (grantId === undefined && approved) return over(at.response);
    if (!approved && at.asked) options.pending.decline(at.asked.id);
    const result =
      grantId === undefined
        ? { error: "access_denied", error_description: "The owner declined." }
        : { consent: { grantId } };
    await at.library.interactionFinished(at.request, at.response, result);
  },
};

/** Makes the grant and the link; undefined where the account is not the one that was asked for, or it was decided meanwhile. */
async function grant(
  { library, interaction, asked }: Step,
  options: InteractionsOptions,
): Promise<string | undefined> {
  const { accounts, connections, consents, database, pending, publicUrl, trust, now } = options;
  const account = accounts.find(interaction.session?.accountId ?? "");
  const clientId = parameter(interaction, "client_id");
  const client = trust.findClient(clientId);
  if (!account || !client) return undefined;
  if (asked && account.email.toLowerCase() !== asked.email.toLowerCase()) return undefined;
  const made = new library.Grant({ accountId: account.id, clientId });
  const scope = asked?.scope ?? allowed(parameter(interaction, "scope"));
  made.addOIDCScope(scope);
  made.addResourceScope(publicUrl, scope);
  const id = await made.save();
  return database.transaction(() => {
    if (asked) {
      if (!pending.approve(asked.id)) return undefined;
      accounts.link({ issuer: asked.issuer, subject: asked.subject }, account.id);
      if (asked.terms) accounts.acceptTerms({ accountId: account.id, ...asked.terms });
      if (asked.mandate) connections.renewMandate(account.id, asked.mandate);
    }
    const project = asked?.project ?? `client:${clientId}`;
    const { subject = "", agent = `client:${clientId}`, agentName = "" } = asked ?? {};
    const of = { accountId: account.id, issuer: client.issuer, subject, agent };
    consents.give({ ...of, agentName, scopes: scope, at: now() });
    connections.add({ ...of, id, project, scope, request: asked?.requestId });
    return id;
  });
}

const show: Act = (at, { accounts, codes, providerName, trust }) => {
  const { asked, form, interaction } = at;
  const { prompt, session, uid } = interaction;
  if (prompt.name === "login") {
    const sent = codes.wasSent(uid);
    return send(
      at,
      sent ? codePage(providerName, form) : emailPage(providerName, asked?.email, form),
    );
  }
  const clientId = parameter(interaction, "client_id");
  const facts = {
    provider: providerName,
    account: accounts.find(session?.accountId ?? "")?.email ?? "",
    client: trust.findClient(clientId)?.issuer ?? clientId,
    agent: asked?.agentName,
    project: asked?.project,
    scopes: (asked?.scope ?? allowed(parameter(interaction, "scope"))).split(" "),
    maxPerMonth: asked?.mandate?.max_amount_per_month,
  };
  return send(at, consentPage(facts, form));
};

/** Loads what a step is about; where that is over, or another browser's, says so and does nothing. */
function step(options: InteractionsOptions, act: Act) {
  return async (request: Request, response: Response): Promise<void> => {
    const library = await options.library;
    const interaction = await library.interactionDetails(request, response).catch(() => undefined);
    if (!interaction || interaction.uid !== request.params["uid"]) return over(response);
    const id = interaction.params["account_request"];
    const asked = typeof id === "string" ? options.pending.find(id) : undefined;
    if (id !== undefined && !asked) return over(response);
    const token = createHmac("sha256", options.secret).update(interaction.uid).digest("base64url");
    await act({ library, interaction, asked, request, response, form: { token } }, options);
  };
}

function send({ response, interaction }: Step, html: string): void {
  const backTo = interaction.params["redirect_uri"];
  response.set(pageHeaders(typeof backTo === "string" ? backTo : undefined));
  response.type("html").send(html);
}

function over(response: Response): void {
  response.set(pageHeaders()).status(410).type("html");
  response.send(
    page(
      "This request is over",
      "<p>It was decided, has expired, or was begun in another browser. Nothing was changed; ask your agent to begin anew.</p>",
    ),
  );
}

/** The scopes that are asked of this provider; OpenID's own mean nothing here. */
function allowed(scope: string): string {
  return scope.split(" ").filter(isScope).join(" ") || DEFAULT_SCOPE;
}

/** Of the authorization request, which the library has checked. */
function parameter({ params }: Interaction, name: string): string {
  const value = params[name];
  return typeof value === "string" ? value : "";
}

function fieldOf(request: Request, name: string): string {
  const value = (request.body as Record<string, unknown> | undefined)?.[name];
  return typeof value === "string" ? value.slice(0, 300) : "";
}

export function isSame(given: string, kept: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(kept)];
  return a.length === b.length && timingSafeEqual(a, b);
}
