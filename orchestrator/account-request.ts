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
} from "../protocol/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";
import type { Identity, IssuedMandate } from "./identity.ts";
import { newPkce, type OAuthClient, type Tokens } from "./oauth-client.ts";
import type { People, User } from "./people.ts";
import { invalid } from "./provider-call.ts";
import { readProblem, refusal } from "./provider-error.ts";
import type { Terms, TermsVersion } from "./terms.ts";

/** What a provider's answer can mean. */
type Answer =
  | { kind: "code"; code: Secret }
  | { kind: "terms"; terms: TermsVersion }
  | { kind: "consent"; auth: RequiresAuth };

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

  constructor({ identity, people, oauth, terms, approvals, now, newId }: AccountRequestsOptions) {
    this.#identity = identity;
    this.#people = people;
    this.#oauth = oauth;
    this.#terms = terms;
    this.#approvals = approvals;
    this.#now = now;
    this.#newId = newId;
  }

  /** The tokens of the user's account; the human accepts the terms first, and is shown a consent page if there is one. */
  async open(asker: Asker, provider: CatalogProvider, mandate: IssuedMandate): Promise<Tokens> {
    const { profile } = provider;
    const user = this.#people.ofProject(asker.project);
    let evidence = await this.#terms.accept(asker, profile, profile);
    const pkce = newPkce();
    const send = () =>
      this.#send({ user, provider, mandate, terms: evidence, challenge: pkce.challenge });
    // The metadata is fetched while the account is made; where it fails, the code exchange below says so.
    this.#oauth.endpoints(provider).catch(() => undefined);
    let answer = await send();
    if (answer.kind === "terms" && answer.terms.tos_version !== evidence.version) {
      evidence = await this.#terms.accept(asker, profile, answer.terms);
      answer = await send();
    }
    if (answer.kind === "consent" && asker.session) throw consentRequired(profile.id, answer.auth);
    if (answer.kind === "consent" && (await this.#consents(asker, user, provider, answer.auth))) {
      answer = await send();
    }
    if (answer.kind === "code") return this.#oauth.exchangeCode(provider, answer.code, pkce);
    if (answer.kind === "consent") throw consentRequired(profile.id, answer.auth);
    throw invalid(`${profile.id} asks for its terms again although they were accepted.`);
  }

  async #send({ user, provider, mandate, terms, challenge }: AccountOrder): Promise<Answer> {
    const { baseUrl, profile } = provider;
    const { clientId } = this.#identity;
    const body: AccountRequest = {
      id: `acctreq_${this.#newId()}`,
      object: "account_request",
      email: user.email,
      name: user.name,
      kyc: { verified_fields: ["email"] },
      scopes: [],
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
    const question = `${JSON.stringify(profile.name)} already has an account for ${user.email}. Open ${url}, sign in there and consent; then accept here.${elsewhere}`;
    const facts = { url, ...(device ? { user_code: device.user_code } : {}) };
    const ask = { kind: "consent" as const, provider: profile.id, question, facts };
    return this.#approvals.approve(asker, ask, `consent ${profile.id}`);
  }
}

interface AccountOrder {
  user: User;
  provider: CatalogProvider;
  mandate: IssuedMandate;
  terms: TermsEvidence;
  /** PKCE, S256. */
  challenge: string;
}

export interface AccountRequestsOptions {
  identity: Identity;
  people: People;
  oauth: OAuthClient;
  terms: Terms;
  approvals: Approvals;
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

function consentRequired(provider: string, { redirect, device }: RequiresAuth): OrchestratorError {
  const code = device && { user_code: device.user_code, verification_uri: device.verification_uri };
  return new OrchestratorError("CONSENT_REQUIRED", {
    problem: `${provider} already has an account for this e-mail, and its owner has not consented to the link.`,
    nextStep:
      "Ask the human to open the page and consent, then connect again; or use another provider.",
    details: { provider, url: redirect.url, ...code },
  });
}
