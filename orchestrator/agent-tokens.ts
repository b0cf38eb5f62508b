/**
 * The tokens that an agent has for a project's account at a provider: sealed in the vault, refreshed where they end, and revoked at the
 * provider where they are given up. No agent has another's.
 */
import { type CatalogProvider, PurserError, type Secret } from "../protocol/index.ts";
import type { AgentAccount, ConnectionStore, KeptTokens, TokenRow } from "./connection-store.ts";
import type { Identity } from "./identity.ts";
import type { OAuthClient } from "./oauth-client.ts";
import { callTwice } from "./provider-call.ts";
import type { Vault } from "./vault.ts";

/** A provider that has it forgets an account's link, and not merely its tokens. */
const UNLINKS = "connections:unlink";

export class AgentTokens {
  readonly #parts: AgentTokensOptions;

  constructor(parts: AgentTokensOptions) {
    this.#parts = parts;
  }

  find({ project, provider, agent }: AgentAccount): TokenRow | undefined {
    return this.#parts.store.tokens(project, provider).find((row) => row.agent === agent);
  }

  /** Whether any agent has a token there that holds, or one that is renewed by itself when it is used. */
  areLive(project: string, provider: string): boolean {
    const { store, vault, now } = this.#parts;
    return store.tokens(project, provider).some(({ agent, expiresAt }) => {
      const handle = refreshHandle({ provider, agent });
      return expiresAt > now() || vault.has({ project, handle });
    });
  }

  read({ project, ...of }: AgentAccount, reader: string): Promise<Secret> {
    return this.#parts.vault.read({ project, handle: accessHandle(of) }, reader);
  }

  /** Says whether the project's connection is new. */
  async keep(of: AgentAccount, kept: Omit<KeptTokens, "secrets">): Promise<boolean> {
    const { store, vault } = this.#parts;
    const { project } = of;
    const { accessToken, refreshToken } = kept.tokens;
    const secrets = [await vault.seal({ project, handle: accessHandle(of) }, accessToken)];
    if (refreshToken)
      secrets.push(await vault.seal({ project, handle: refreshHandle(of) }, refreshToken));
    return store.keep(of, { ...kept, secrets });
  }

  /**
   * Keeps those of a newer grant, and ends the grant that they replace (RFC 7009): only of a provider that unlinks, because with others
   * a token may end every grant of the account. Says whether the project's connection is new.
   */
  async replace(
    of: AgentAccount,
    provider: CatalogProvider,
    kept: Omit<KeptTokens, "secrets">,
  ): Promise<boolean> {
    const before = unlinks(provider) ? await this.#held(of) : [];
    const isNew = await this.keep(of, kept);
    const { accessToken, refreshToken } = kept.tokens;
    const now = [accessToken, refreshToken].map((token) => token?.reveal());
    if (before.some((token) => now.includes(token.reveal()))) return isNew;
    await Promise.all(before.map((token) => this.#parts.oauth.revoke(provider, token)));
    return isNew;
  }

  async refresh(of: AgentAccount, provider: CatalogProvider, scope: string): Promise<Secret> {
    const { oauth, vault } = this.#parts;
    const name = { project: of.project, handle: refreshHandle(of) };
    const tokens = await oauth.refresh(provider, await vault.read(name, "orchestrator"));
    await this.keep(of, { tokens, scope, mandate: undefined });
    return tokens.accessToken;
  }

  /** Ends one agent's tokens here, and at the provider where it can be told; with `forget`, its owner's consent there too. */
  async end(
    of: AgentAccount,
    provider: CatalogProvider | undefined,
    { forget }: { forget: boolean },
  ): Promise<boolean> {
    if (!this.find(of)) return true;
    const body = forget ? { agent: of.agent } : undefined;
    const told = provider !== undefined && (await this.#tell([of], provider, body));
    this.#parts.store.removeToken(of, handlesOf(of));
    return told;
  }

  /** Ends all of them with the connection; resolves to whether the provider has heard of it. */
  async endAll(
    { project, provider: id }: Omit<AgentAccount, "agent">,
    provider: CatalogProvider | undefined,
  ): Promise<boolean> {
    const { store } = this.#parts;
    const all = store.tokens(project, id).map(({ agent }) => ({ project, provider: id, agent }));
    const told = provider !== undefined && (await this.#tell(all, provider, {}));
    store.remove({ project, provider: id }, all.flatMap(handlesOf));
    return told;
  }

  /**
   * Asks the provider to forget the link where it can, in the name of the first, and otherwise ends the tokens alone (RFC 7009): all at once,
   * so that one that is slow is waited for no longer however many agents there are.
   */
  async #tell(
    all: readonly AgentAccount[],
    provider: CatalogProvider,
    forget: { agent?: string } | undefined,
  ): Promise<boolean> {
    const [first] = all;
    const body = unlinks(provider) ? forget : undefined;
    if (first && body && (await this.#unlink(first, provider, body))) return true;
    const held = (await Promise.all(all.map((of) => this.#held(of)))).flat();
    const { oauth } = this.#parts;
    const heard = await Promise.all(held.map((token) => oauth.revoke(provider, token)));
    // Where only the tokens end, one that unlinks still has the link.
    return (first === undefined || body === undefined) && !heard.includes(false);
  }

  async #held(of: AgentAccount): Promise<Secret[]> {
    const { vault } = this.#parts;
    const names = handlesOf(of).map((handle) => ({ project: of.project, handle }));
    const held = names.filter((name) => vault.has(name));
    return Promise.all(held.map((name) => vault.read(name, "orchestrator")));
  }

  async #unlink(
    of: AgentAccount,
    provider: CatalogProvider,
    body: { agent?: string },
  ): Promise<boolean> {
    try {
      const row = this.find(of);
      const token =
        row && row.expiresAt <= this.#parts.now()
          ? await this.refresh(of, provider, row.scope)
          : await this.read(of, "orchestrator");
      const { status, again } = await callTwice(() =>
        this.#parts.identity.send({
          method: "POST",
          url: `${provider.baseUrl}/provisioning/unlink`,
          body,
          headers: { authorization: `Bearer ${token.reveal()}` },
        }),
      );
      // A token that is dead the second time died of the first.
      return status === 200 || (again && status === 401);
    } catch (error) {
      if (error instanceof PurserError) return false;
      throw error;
    }
  }
}

export interface AgentTokensOptions {
  store: ConnectionStore;
  vault: Vault;
  oauth: OAuthClient;
  identity: Identity;
  now: () => number;
}

function unlinks({ profile }: CatalogProvider): boolean {
  return profile.capabilities?.includes(UNLINKS) === true;
}

/** Neither is a `cred:` handle, so no agent can ask for it. */
function accessHandle({ provider, agent }: Omit<AgentAccount, "project">): string {
  return `token:${provider}:${agent}`;
}

function refreshHandle({ provider, agent }: Omit<AgentAccount, "project">): string {
  return `refresh:${provider}:${agent}`;
}

function handlesOf(of: AgentAccount): string[] {
  return [refreshHandle(of), accessHandle(of)];
}
