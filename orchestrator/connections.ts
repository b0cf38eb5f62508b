/**
 * A connection is a project's account at a provider: its id, the mandate the provider holds, and, for each agent that may use it, tokens for
 * what its consent covers. There is one for each project and provider; connecting again answers the same one, and renews the mandate when
 * the cap has changed.
 */
import type {
  AgentScope,
  CatalogProvider,
  Connection,
  ConnectionView,
  ConsentView,
  Credential,
  Secret,
  Trace,
} from "../protocol/index.ts";
import type { AccountRequests } from "./account-request.ts";
import type { AgentTokens } from "./agent-tokens.ts";
import type { Asker } from "./approvals.ts";
import type { AgentAccount, ConnectionRow, ConnectionStore, TokenRow } from "./connection-store.ts";
import { type Consents, OWNER } from "./consents.ts";
import { OrchestratorError } from "./error.ts";
import type { Identity } from "./identity.ts";
import type { People, User } from "./people.ts";
import type { Projects } from "./projects.ts";
import { scopeAtProvider } from "./provider-scopes.ts";
import { Serial } from "./serial.ts";

/** A token this close to its end is renewed first, and a mandate a day before. */
const TOKEN_MARGIN_MS = 60_000;
const MANDATE_MARGIN_MS = 24 * 60 * 60 * 1000;

export class Connections {
  readonly #parts: ConnectionsOptions;
  readonly #serial = new Serial();

  constructor(parts: ConnectionsOptions) {
    this.#parts = parts;
  }

  list(project: string): Connection[] {
    return this.#parts.store.list(project).map(view);
  }

  find(project: string, provider: string): Connection | undefined {
    const row = this.#parts.store.find(project, provider);
    return row && view(row);
  }

  /** As the project's owner sees them. */
  views(project: string): ConnectionView[] {
    return this.#parts.store.list(project).map((row) => this.#view(project, row));
  }

  view(project: string, provider: string): ConnectionView {
    const row = this.#parts.store.find(project, provider);
    if (row) return this.#view(project, row);
    throw notConnected(provider);
  }

  #view(project: string, row: ConnectionRow): ConnectionView {
    const connected_at = new Date(row.connectedAt).toISOString();
    const live = this.#parts.tokens.areLive(project, row.provider);
    return { ...view(row), status: live ? "active" : "expired", connected_at };
  }

  /** The project's connection for the asking agent, made or renewed if need be. */
  connect(asker: Asker, provider: CatalogProvider): Promise<Connection> {
    const { id } = provider.profile;
    return this.#alone(asker.project, id, async () => {
      await this.#enter(asker, provider, { mandateToo: true });
      return view(this.#parts.store.find(asker.project, id) as ConnectionRow);
    });
  }

  /** Sends a newer mandate in the name of an agent that is let in already; asks nobody. */
  tellMandate(project: string, provider: CatalogProvider): Promise<void> {
    const { id } = provider.profile;
    return this.#alone(project, id, async () => {
      const asker: Asker = {
        project,
        id: OWNER,
        agent: OWNER,
        session: { acceptTerms: undefined },
      };
      await this.#enter(asker, provider, { mandateToo: true });
    });
  }

  /** The asking agent's bearer token, renewed when it is about to end, or at once when `rejected` is the one that failed. */
  bearer(
    asker: Asker,
    provider: CatalogProvider,
    reader: string,
    rejected?: Secret,
  ): Promise<Credential> {
    const { id } = provider.profile;
    const { project } = asker;
    return this.#alone(project, id, async () => {
      if (!this.#parts.store.find(project, id)) throw notConnected(id);
      const { agent, scope, expiresAt } = await this.#enter(asker, provider, { mandateToo: false });
      const { tokens, store } = this.#parts;
      let token = await tokens.read({ project, provider: id, agent }, reader);
      const failed = rejected !== undefined && rejected.reveal() === token.reveal();
      if (failed || expiresAt - this.#parts.now() < TOKEN_MARGIN_MS)
        token = await this.#renew({ ...asker, agent }, provider, scope);
      const account_id = store.find(project, id)?.accountId ?? "";
      return { token_type: "bearer", access_token: token.reveal(), account_id };
    });
  }

  /**
   * Ends the project's connection: its tokens end at the provider, which forgets the link where it can, they leave the vault, and every
   * consent is revoked. Resolves to whether the provider has heard of it; here it is over in any case.
   */
  unlink(project: string, id: string, provider?: CatalogProvider): Promise<boolean> {
    const { store, tokens, consents } = this.#parts;
    return this.#alone(project, id, async () => {
      if (!store.find(project, id)) throw notConnected(id);
      const told = await tokens.endAll({ project, provider: id }, provider);
      consents.revokeAll(project, id);
      return told;
    });
  }

  /** Ends what one agent has: its next call is for what its consent covers then. With `forget`, the account's owner is asked again too. */
  endAgent(
    of: AgentAccount,
    provider: CatalogProvider | undefined,
    forget: { forget: boolean },
  ): Promise<boolean> {
    return this.#alone(of.project, of.provider, () => this.#parts.tokens.end(of, provider, forget));
  }

  /** The tokens that the asker may use; an account is asked for where there are none for what its consent covers. */
  async #enter(
    asker: Asker,
    provider: CatalogProvider,
    { mandateToo }: { mandateToo: boolean },
  ): Promise<TokenRow> {
    const { store, tokens, consents } = this.#parts;
    const { project } = asker;
    const { id } = provider.profile;
    const row = store.find(project, id);
    if (asker.agent === OWNER) return this.#enterAsOwner(asker, provider, { mandateToo });
    const of = { project, provider: id, agent: asker.agent };
    const consent = consents.find(of);
    const scopes = wanted(asker, consent);
    const scope = scopeAtProvider(scopes);
    const held = tokens.find(of);
    const settled = consent !== undefined && scopeAtProvider(consent.scopes) === scope;
    const current = !mandateToo || (row !== undefined && this.#mandateHolds(project, row));
    if (row && settled && held?.scope === scope && current) return held;
    if (row && !consent) consents.mayAsk(asker, id);
    const { consented } = await this.#open(asker, provider, scope);
    if (row && !consent && !consented) {
      // The provider asked nobody, so the person is asked here.
      await consents.admit(asker, id).catch(async (error: unknown) => {
        await tokens.end(of, provider, { forget: true });
        throw error;
      });
    } else if (!settled) consents.grant({ ...of, scopes });
    return tokens.find(of)!;
  }

  /** Work that the owner began uses what an agent was let in for: a provider knows no owner besides the agents. */
  async #enterAsOwner(
    asker: Asker,
    provider: CatalogProvider,
    { mandateToo }: { mandateToo: boolean },
  ): Promise<TokenRow> {
    const { store } = this.#parts;
    const { id } = provider.profile;
    const row = store.find(asker.project, id);
    const [first] = store.tokens(asker.project, id);
    if (!row || !first) throw notConnected(id);
    if (mandateToo && !this.#mandateHolds(asker.project, row))
      await this.#open({ ...asker, agent: first.agent }, provider, first.scope);
    return store.tokens(asker.project, id)[0] ?? first;
  }

  #mandateHolds(project: string, row: ConnectionRow): boolean {
    const { projects, now, knowsMandates } = this.#parts;
    if (!knowsMandates(row.provider)) return true;
    const { version } = projects.cap(project, row.provider);
    return row.mandateVersion === version && row.mandateExpiresAt - now() > MANDATE_MARGIN_MS;
  }

  async #open(
    asker: Asker,
    provider: CatalogProvider,
    scope: string,
  ): Promise<{ token: Secret; consented: boolean }> {
    const { identity, people, projects, accounts, tokens: kept, trace } = this.#parts;
    const { project, agent } = asker;
    checkVerified(people.ofProject(project));
    const { id } = provider.profile;
    const mandate = await identity.mandate(project, id, projects.cap(project, id));
    const { tokens, consented } = await accounts.open(asker, provider, { mandate, scope });
    const of = { project, provider: id, agent };
    const isNew = await kept.replace(of, provider, { tokens, scope, mandate });
    if (isNew) trace?.append({ type: "connection", provider: id, accountId: tokens.accountId });
    return { token: tokens.accessToken, consented };
  }

  /** By the refresh token; where that is lost or spent (a crash between the answer and our commit), by asking anew. */
  async #renew(asker: Asker, provider: CatalogProvider, scope: string): Promise<Secret> {
    const { project, agent } = asker;
    try {
      const of = { project, provider: provider.profile.id, agent };
      return await this.#parts.tokens.refresh(of, provider, scope);
    } catch (error) {
      const lost =
        error instanceof OrchestratorError &&
        (error.code === "PROVIDER_REFUSED" || error.code === "CREDENTIAL_UNKNOWN");
      if (!lost) throw error;
      return (await this.#open(asker, provider, scope)).token;
    }
  }

  #alone<T>(project: string, provider: string, work: () => Promise<T>): Promise<T> {
    return this.#serial.run(`${project}/${provider}`, work);
  }
}

export interface ConnectionsOptions {
  store: ConnectionStore;
  tokens: AgentTokens;
  consents: Consents;
  identity: Identity;
  people: People;
  accounts: AccountRequests;
  projects: Projects;
  knowsMandates: (provider: string) => boolean;
  trace: Trace | undefined;
  now: () => number;
}

/** What the person says in this very call, or has said before; everything where nothing was said. */
function wanted({ session }: Asker, consent: ConsentView | undefined): readonly AgentScope[] {
  const said = session?.grants === true ? session.scopes : undefined;
  return said ?? consent?.scopes ?? ["account"];
}

/** The name under which an agent has the token that is its own, such as "cred:cloudflare". */
function view({ provider, accountId }: ConnectionRow): Connection {
  return { provider, account_id: accountId, credential: `cred:${provider}` };
}

/** The orchestrator attests only what is true. */
function checkVerified(user: User): void {
  if (user.emailVerified) return;
  throw new OrchestratorError("EMAIL_UNVERIFIED", {
    problem: `The e-mail ${user.email} is not verified, so no account can be asked for.`,
    nextStep: "Ask the human to verify the e-mail with the orchestrator.",
  });
}

export function notConnected(provider: string): OrchestratorError {
  return new OrchestratorError("NOT_CONNECTED", {
    problem: `The project has no account at ${provider}.`,
    nextStep: `Connect ${provider} first.`,
    details: { provider },
  });
}
