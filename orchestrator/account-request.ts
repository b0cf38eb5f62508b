/**
 * Asks a provider for the user's account there, with the identity that the orchestrator attests. The provider makes one, or finds
 * the one it already made for this user: asking again is harmless. It ends in tokens, or in an error that says what is missing.
 */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import {
  type AccountRequest,
  AccountResponse,
  type CatalogProvider,
  type RequiresAuth,
  Secret,
  type TermsEvidence,
  typedValues,
} from "../protocol/index.ts";
import { type AccountConfiguration, checkAccountConfiguration } from "./account-configuration.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";
import type { Identity, IssuedMandate } from "./identity.ts";
import { newPkce, type OAuthClient, type Tokens } from "./oauth-client.ts";
import type { Of, PendingConsent, PendingConsents } from "./pending-consents.ts";
import type { People, User } from "./people.ts";
import { plainAccountRequest, readPlainAnswer } from "./plain-account.ts";
import type { PlainProvider } from "./plain-catalog.ts";
import { invalid } from "./provider-call.ts";
import { readProblem, refusal } from "./provider-error.ts";
import type { Terms, TermsVersion } from "./terms.ts";

/** What a provider's answer can mean. */
type Answer =
  | { kind: "code"; code: Secret }
  /** Only of a provider that speaks the protocol as it is published. */
  | { kind: "tokens"; tokens: Tokens }
  | { kind: "terms"; terms: TermsVersion }
  | { kind: "consent"; auth: RequiresAuth }
  /** Its owner has said no, on whichever page. */
  | { kind: "declined" };

const LIFETIME_MS = 10 * 60 * 1000;

const NewerTerms = z.looseObject({
  tos_url: z.string().max(500),
  tos_version: z.string().min(1).max(50),
});

export class AccountRequests {
  readonly #identity: Identity;
  readonly #people: People;
  readonly #oauth: OAuthClient;
  readonly #terms: Terms;
  readonly #approvals: Approvals;
  readonly #now: () => number;
  readonly #newId: () => string;
  readonly #pending: PendingConsents;
  readonly #plain: AccountRequestsOptions["plain"];

  constructor(options: AccountRequestsOptions) {
    const { identity, people, oauth, terms, approvals, pending, now, newId } = options;
    this.#pending = pending;
    this.#plain = options.plain;
    this.#identity = identity;
    this.#people = people;
    this.#oauth = oauth;
    this.#terms = terms;
    this.#approvals = approvals;
    this.#now = now;
    this.#newId = newId;
  }

  /**
   * The tokens of the user's account for the asking agent and `scope`; the human accepts the terms first, and is shown a consent page if
   * there is one. While its owner has not decided, the same request is repeated.
   */
  async open(
    asker: Asker,
    provider: CatalogProvider,
    { mandate, scope }: { mandate: IssuedMandate; scope: string },
  ): Promise<OpenedAccount> {
    const { profile } = provider;
    const of = { project: asker.project, provider: profile.id, agent: asker.agent };
    const user = this.#people.ofProject(asker.project);
    const before = await this.#pending.find(of, scope);
    const polled = before && (await this.#poll(provider, of, before));
    if (polled) return { tokens: polled, consented: true };
    const configuration = asker.configuration ?? {};
    // What one that speaks APP 0.1d alone takes, it has published nowhere.
    if (!before && !this.#plain(provider.baseUrl))
      checkAccountConfiguration(profile, configuration);
    let evidence = await this.#terms.accept(asker, profile, profile);
    const { id, pkce } = before ?? { id: `acctreq_${this.#newId()}`, pkce: newPkce() };
    const request = { id, user, agent: asker.agent, scope, provider, mandate, configuration };
    const send = () => this.#send({ ...request, terms: evidence, challenge: pkce.challenge });
    // The metadata is fetched while the account is made; where it fails, the code exchange below says so.
    this.#oauth.endpoints(provider).catch(() => undefined);
    let answer = await send();
    if (answer.kind === "terms" && answer.terms.tos_version !== evidence.version) {
      evidence = await this.#terms.accept(asker, profile, answer.terms);
      answer = await send();
    }
    let consented = before !== undefined;
    if (answer.kind === "consent") {
      // Its repeated answer may leave the device's code out: it is the one that was given before.
      const device = answer.auth.device ?? before?.auth.device;
      const auth = { ...answer.auth, ...(device && { device }) };
      const pending = { id, scope, pkce, auth };
      // What was kept is over where another page and code are given for it.
      if (!before || answer.auth.device) await this.#pending.keep(of, pending);
      if (asker.session) throw consentRequired(profile.id, auth);
      if (!(await this.#consents(asker, user, provider, auth)))
        throw consentRequired(profile.id, auth);
      const kept = await this.#pending.find(of, scope);
      const tokens = kept && (await this.#poll(provider, of, kept));
      if (tokens) return { tokens, consented: true };
      consented = true;
      answer = await send();
      if (answer.kind === "consent") throw consentRequired(profile.id, auth);
    }
    if (answer.kind === "declined") {
      this.#pending.forget(of);
      throw declined(profile.id);
    }
    if (answer.kind === "terms")
      throw invalid(`${profile.id} asks for its terms again although they were accepted.`);
    const tokens =
      answer.kind === "tokens"
        ? answer.tokens
        : await this.#oauth.exchangeCode(provider, answer.code, pkce);
    this.#pending.forget(of);
    return { tokens, consented };
  }

  /** Asks after the device's code that the owner was shown; `CONSENT_DECLINED` where they said no. */
  async #poll(
    provider: CatalogProvider,
    of: Of,
    pending: PendingConsent,
  ): Promise<Tokens | undefined> {
    const { device } = pending.auth;
    if (!device || !this.#pending.mayPoll(pending)) return undefined;
    const state = await this.#oauth.pollDevice(provider, device.device_code);
    if (state === "pending" || state === "expired") return undefined;
    this.#pending.forget(of);
    if (state === "declined") throw declined(provider.profile.id);
    return state;
  }

  async #send(order: AccountOrder): Promise<Answer> {
    const { id, user, agent, scope, provider, mandate, terms, challenge, configuration } = order;
    const { baseUrl, profile } = provider;
    const { clientId } = this.#identity;
    const plain = this.#plain(baseUrl);
    if (plain) return this.#sendPlain(order, plain);
    const body: z.input<typeof AccountRequest> = {
      id,
      object: "account_request",
      email: user.email,
      name: user.name,
      ...(user.country === undefined ? {} : { country: user.country }),
      kyc: { verified_fields: ["email"] },
      scopes: scope.split(" "),
      agent: { id: agent, name: agent },
      ...(Object.keys(configuration).length === 0
        ? {}
        : { configuration: typedValues(profile.configuration_schema, configuration) }),
      client_capabilities: ["browser"],
      confirmation_secret: randomBytes(32).toString("base64url"),
      expires_at: new Date(this.#now() + LIFETIME_MS).toISOString(),
      orchestrator: { type: "purser", account: user.id },
      client_id: clientId,
      code_challenge: challenge,
      code_challenge_method: "S256",
      terms,
      mandate: mandate.token,
      identity_assertion: await this.#identity.assertion(user, profile.issuer),
    };
    const url = `${baseUrl}/provisioning/account_requests`;
    const answer = await this.#identity.send({ method: "POST", url, body });
    const response = AccountResponse.safeParse(answer.body).data;
    if (response?.type === "oauth") return { kind: "code", code: new Secret(response.oauth.code) };
    if (response?.type === "requires_auth") {
      return { kind: "consent", auth: response.requires_auth };
    }
    const problem = readProblem(answer.body);
    const newer = NewerTerms.safeParse(problem?.facts).data;
    if (problem?.code === "tos_acceptance_required" && newer)
      return { kind: "terms", terms: newer };
    if (problem?.code === "reauthentication_required") throw signInAgain(profile.id);
    if (problem?.code === "access_denied") return { kind: "declined" };
    throw refusal(profile.id, "account request", answer);
  }

  async #sendPlain(
    { id, user, provider, configuration }: AccountOrder,
    plain: PlainProvider,
  ): Promise<Answer> {
    const { baseUrl, profile } = provider;
    const expiresAt = new Date(this.#now() + LIFETIME_MS).toISOString();
    const { scopes } = plain;
    const typed = typedValues(provider.profile.configuration_schema, configuration);
    const body = plainAccountRequest({ id, user, expiresAt, scopes, configuration: typed });
    const url = `${baseUrl}/provisioning/account_requests`;
    const answer = await this.#identity.send({ method: "POST", url, body });
    const said = readPlainAnswer(profile.id, answer.body);
    if (said?.kind === "code") return { kind: "code", code: new Secret(said.code) };
    if (said?.kind === "tokens")
      return { kind: "tokens", tokens: this.#oauth.tokensOf(said.tokens) };
    if (said?.kind === "consent") return said;
    throw refusal(profile.id, "account request", answer);
  }

  async #consents(
    asker: Asker,
    user: User,
    { profile }: CatalogProvider,
    { redirect: { url }, device }: RequiresAuth,
  ): Promise<boolean> {
    const pages = [url, ...(device ? [device.verification_uri] : [])];
    if (!pages.every((page) => ["http:", "https:"].includes(new URL(page).protocol))) {
      throw invalid(`${profile.id} wants consent at an address that is not a web page.`);
    }
    const elsewhere = device
      ? ` On another device, open ${device.verification_uri} and enter ${JSON.stringify(device.user_code)}.`
      : "";
    const question = `${JSON.stringify(profile.name)} has an account for ${user.email}, and asks its owner whether the agent "${asker.agent}" may use it. Open ${url}, sign in there and consent; then accept here.${elsewhere}`;
    const facts = { url, ...(device ? { user_code: device.user_code } : {}) };
    const ask = { kind: "consent" as const, provider: profile.id, question, facts };
    return this.#approvals.approve(asker, ask, `consent ${profile.id}`);
  }
}

/** `consented` says whether the account's owner was asked at the provider. */
export interface OpenedAccount {
  tokens: Tokens;
  consented: boolean;
}

interface AccountOrder {
  id: string;
  agent: string;
  scope: string;
  user: User;
  provider: CatalogProvider;
  mandate: IssuedMandate;
  terms: TermsEvidence;
  configuration: AccountConfiguration;
  /** PKCE, S256. */
  challenge: string;
}

export interface AccountRequestsOptions {
  identity: Identity;
  people: People;
  oauth: OAuthClient;
  terms: Terms;
  approvals: Approvals;
  pending: PendingConsents;
  /** Of a provider that speaks the protocol as it is published. */
  plain: (baseUrl: string) => PlainProvider | undefined;
  now: () => number;
  newId: () => string;
}

function signInAgain(provider: string): OrchestratorError {
  return new OrchestratorError("REAUTHENTICATION_REQUIRED", {
    problem: `${provider} opens accounts only for a user who signed in within the last hour.`,
    nextStep: "Ask the human to sign in again with the orchestrator, then connect again.",
    details: { provider },
  });
}

function declined(provider: string): OrchestratorError {
  return new OrchestratorError("CONSENT_DECLINED", {
    problem: `The owner of the account at ${provider} has declined the link.`,
    nextStep: "Use another provider, or ask the human before connecting again.",
    details: { provider },
  });
}

function consentRequired(provider: string, { redirect, device }: RequiresAuth): OrchestratorError {
  const code = device && {
    user_code: device.user_code,
    verification_uri: device.verification_uri,
    ...(device.interval === undefined ? {} : { interval: String(device.interval) }),
  };
  return new OrchestratorError("CONSENT_REQUIRED", {
    problem: `${provider} has an account for this e-mail, and its owner has not consented to this agent and what it asks for.`,
    nextStep:
      "Ask the human to open the page and consent, then connect again; or use another provider.",
    details: { provider, url: redirect.url, ...code },
  });
}
