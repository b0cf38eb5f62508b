/**
 * A connection is a project's account at a provider: its id, its tokens in the vault, and the mandate the provider holds. There
 * is one for each project and provider; connecting again answers the same one, and renews the mandate when the cap has changed.
 */
import {
  type CatalogProvider,
  type Connection,
  type ConnectionView,
  type Credential,
  Secret,
  type Trace,
} from "../protocol/index.ts";
import type { AccountRequests } from "./account-request.ts";
import type { Asker } from "./approvals.ts";
import type { ConnectionRow, ConnectionStore } from "./connection-store.ts";
import { type Consents, OWNER } from "./consents.ts";
import { OrchestratorError } from "./error.ts";
import type { Identity, IssuedMandate } from "./identity.ts";
import type { OAuthClient, Tokens } from "./oauth-client.ts";
import type { People, User } from "./people.ts";
import type { Projects } from "./projects.ts";
import { Serial } from "./serial.ts";
import type { Vault } from "./vault.ts";

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
    return this.#parts.store.list(project).map((row) => this.#view(row));
  }

  view(project: string, provider: string): ConnectionView {
    const row = this.#parts.store.find(project, provider);
    if (row) return this.#view(row);
    throw notConnected(provider);
  }

  #view(row: ConnectionRow): ConnectionView {
    const connected_at = new Date(row.connectedAt).toISOString();
    const status = row.tokenExpiresAt > this.#parts.now() ? "active" : "expired";
    return { ...view(row), status, connected_at };
  }

  /** The project's connection, made or renewed if need be. */
  connect(asker: Asker, provider: CatalogProvider): Promise<Connection> {
    const { id } = provider.profile;
    return this.#alone(asker.project, id, async () => {
      const existing = this.#parts.store.find(asker.project, id);
      if (existing) await this.#parts.consents.admit(asker, id);
      if (existing && this.#mandateHolds(asker.project, existing)) return view(existing);
      await this.#open(asker, provider);
      if (!existing) this.#consent(asker, id);
      return view(this.#parts.store.find(asker.project, id) as ConnectionRow);
    });
  }

  /** The account's bearer token, renewed when it is about to end, or at once when `rejected` is the one that failed. */
  bearer(
    asker: Asker,
    provider: CatalogProvider,
    reader: string,
    rejected?: Secret,
  ): Promise<Credential> {
    const { id } = provider.profile;
    const { project } = asker;
    return this.#alone(project, id, async () => {
      const row = this.#parts.store.find(project, id);
      if (!row) throw notConnected(id);
      await this.#parts.consents.admit(asker, id);
      let token = await this.#parts.vault.read({ project, handle: credentialHandle(id) }, reader);
      const failed = rejected !== undefined && rejected.reveal() === token.reveal();
      if (failed || row.tokenExpiresAt - this.#parts.now() < TOKEN_MARGIN_MS) {
        token = await this.#renew(asker, provider);
      }
      return { token_type: "bearer", access_token: token.reveal(), account_id: row.accountId };
    });
  }

  /**
   * Ends the project's connection: its tokens end at the provider (RFC 7009), leave the vault, and every consent is revoked. Resolves to
   * whether the provider has heard of it; here it is over in any case.
   */
  unlink(project: string, id: string, provider?: CatalogProvider): Promise<boolean> {
    const { store, vault, oauth, consents } = this.#parts;
    return this.#alone(project, id, async () => {
      if (!store.find(project, id)) throw notConnected(id);
      const handles = [refreshHandle(id), credentialHandle(id)];
      let told = provider !== undefined;
      for (const handle of handles) {
        if (!provider || !vault.has({ project, handle })) continue;
        const token = await vault.read({ project, handle }, "orchestrator");
        told = (await oauth.revoke(provider, token)) && told;
      }
      store.remove({ project, provider: id }, handles);
      consents.revokeAll(project, id);
      return told;
    });
  }

  /** Whoever brought the account about may use it. */
  #consent({ project, agent, session }: Asker, provider: string): void {
    const scopes = session?.scopes ?? ["account"];
    if (agent !== OWNER) this.#parts.consents.grant({ project, provider, agent, scopes });
  }

  #mandateHolds(project: string, row: ConnectionRow): boolean {
    const { projects, now } = this.#parts;
    const { version } = projects.cap(project, row.provider);
    return row.mandateVersion === version && row.mandateExpiresAt - now() > MANDATE_MARGIN_MS;
  }

  async #open(asker: Asker, provider: CatalogProvider): Promise<Secret> {
    const { identity, people, projects, accounts } = this.#parts;
    checkVerified(people.ofProject(asker.project));
    const { id } = provider.profile;
    const mandate = await identity.mandate(asker.project, id, projects.cap(asker.project, id));
    const tokens = await accounts.open(asker, provider, mandate);
    await this.#keep(asker.project, provider, tokens, mandate);
    return tokens.accessToken;
  }

  /** By the refresh token; where that is lost or spent (a crash between the answer and our commit), by asking anew. */
  async #renew(asker: Asker, provider: CatalogProvider): Promise<Secret> {
    const { vault, oauth } = this.#parts;
    const { project } = asker;
    const name = { project, handle: refreshHandle(provider.profile.id) };
    try {
      const tokens = await oauth.refresh(provider, await vault.read(name, "orchestrator"));
      await this.#keep(project, provider, tokens);
      return tokens.accessToken;
    } catch (error) {
      const lost =
        error instanceof OrchestratorError &&
        (error.code === "PROVIDER_REFUSED" || error.code === "CREDENTIAL_UNKNOWN");
      if (!lost) throw error;
      return this.#open(asker, provider);
    }
  }

  async #keep(
    project: string,
    { profile: { id } }: CatalogProvider,
    tokens: Tokens,
    mandate?: IssuedMandate,
  ): Promise<void> {
    const { store, vault, trace } = this.#parts;
    const secrets = [
      await vault.seal({ project, handle: credentialHandle(id) }, tokens.accessToken),
    ];
    if (tokens.refreshToken) {
      secrets.push(await vault.seal({ project, handle: refreshHandle(id) }, tokens.refreshToken));
    }
    const isNew = store.keep({ project, provider: id }, { tokens, secrets, mandate });
    if (isNew) trace?.append({ type: "connection", provider: id, accountId: tokens.accountId });
  }

  #alone<T>(project: string, provider: string, work: () => Promise<T>): Promise<T> {
    return this.#serial.run(`${project}/${provider}`, work);
  }
}

export interface ConnectionsOptions {
  store: ConnectionStore;
  consents: Consents;
  vault: Vault;
  identity: Identity;
  people: People;
  oauth: OAuthClient;
  accounts: AccountRequests;
  projects: Projects;
  trace: Trace | undefined;
  now: () => number;
}

/** Such as "cred:cloudflare". */
function credentialHandle(provider: string): string {
  return `cred:${provider}`;
}

/** Not a `cred:` handle, so no agent can ask for it. */
function refreshHandle(provider: string): string {
  return `refresh:${provider}`;
}

function view({ provider, accountId }: ConnectionRow): Connection {
  return { provider, account_id: accountId, credential: credentialHandle(provider) };
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
