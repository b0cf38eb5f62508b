/**
 * The provider's authorization server: `oidc-provider`, with PKCE S256 for everyone and public clients only. An account request
 * that was granted becomes an authorization code here, without a browser; `/oauth/token` turns it into tokens that stand for
 * one connection. The library is heavy, so it loads in the background, and whoever needs it waits.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { RequestHandler } from "express";
import type { Database } from "../../store/index.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { Connections } from "./connections.ts";
import { openOAuthStorage } from "./oauth-adapter.ts";
import type { Settings } from "./settings.ts";
import type { Trust, TrustedIssuer } from "./trust.ts";

export interface OAuth {
  /** The token endpoint, keys, revocation and metadata. */
  readonly handler: RequestHandler;
  /** A single-use code for the account, bound to the client and the PKCE challenge. */
  mintCode(order: CodeOrder): Promise<string>;
  /** The connection that a bearer token stands for, or undefined. */
  findConnectionId(accessToken: string): Promise<string | undefined>;
}

interface CodeOrder {
  account: Account;
  client: TrustedIssuer;
  project: string;
  codeChallenge: string;
}

export interface OAuthOptions {
  database: Database;
  settings: Settings;
  accounts: Accounts;
  connections: Connections;
  trust: Trust;
  publicUrl: string;
}

/** The one scope there is: to act for the account. */
export const SCOPE = "account";
const TTL_SECONDS = {
  AuthorizationCode: 120,
  AccessToken: 3600 * 8,
  RefreshToken: 3600 * 24 * 90,
  Grant: 3600 * 24 * 365,
  IdToken: 3600,
  Interaction: 600,
  Session: 3600,
};
const ROUTES = {
  authorization: "/oauth/authorize",
  token: "/oauth/token",
  jwks: "/oauth/jwks",
  revocation: "/oauth/revoke",
  userinfo: "/oauth/userinfo",
  end_session: "/oauth/session/end",
};

export function openOAuth(options: OAuthOptions): OAuth {
  const loading = load(options);
  // A failure is reported to whoever needs it, not to nobody.
  loading.catch(() => {});
  return {
    handler: async (request, response, next) => {
      const own =
        request.path.startsWith("/oauth/") || request.path.startsWith("/.well-known/openid-");
      if (!own) return next();
      const { provider } = await loading;
      await provider.callback()(request, response);
    },
    mintCode: async ({ account, client, project, codeChallenge }) => {
      const { provider } = await loading;
      const grant = new provider.Grant({ accountId: account.id, clientId: client.clientId });
      grant.addOIDCScope(SCOPE);
      const grantId = await grant.save();
      options.connections.add({
        id: grantId,
        accountId: account.id,
        issuer: client.issuer,
        project,
      });
      const code = new provider.AuthorizationCode({
        accountId: account.id,
        client: await provider.Client.find(client.clientId),
        grantId,
        gty: "authorization_code",
        codeChallenge,
        codeChallengeMethod: "S256",
        redirectUri: client.redirectUri,
        scope: SCOPE,
      });
      return code.save();
    },
    findConnectionId: async (accessToken) => {
      const { provider } = await loading;
      const token = await provider.AccessToken.find(accessToken);
      return token?.isValid === true ? token.grantId : undefined;
    },
  };
}

async function load({ database, settings, accounts, trust, publicUrl }: OAuthOptions) {
  const { default: Provider, errors } = await import("oidc-provider");
  const storage = openOAuthStorage({
    database,
    findClient: (id) => clientMetadata(trust.findClient(id)),
    consumedTwice: () => new errors.InvalidGrant("already consumed"),
  });
  const provider = new Provider(publicUrl, {
    adapter: (model: string) => storage.adapter(model),
    jwks: { keys: [JSON.parse(settings.once("oauth-key", newSigningKey))] },
    cookies: {
      keys: [settings.once("oauth-cookies", () => randomBytes(32).toString("base64url"))],
    },
    enabledJWA: { idTokenSigningAlgValues: ["EdDSA"] },
    clientDefaults: { id_token_signed_response_alg: "EdDSA" },
    clientAuthMethods: ["none"],
    responseTypes: ["code"],
    scopes: [SCOPE],
    pkce: { required: () => true },
    routes: ROUTES,
    ttl: TTL_SECONDS,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: isOwnToken },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    findAccount: (_: unknown, id: string) => {
      const account = accounts.find(id);
      return account && { accountId: id, claims: () => ({ sub: id, email: account.email }) };
    },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    renderError: (context: { body: unknown }, error: unknown) => {
      context.body = error;
    },
  });
  provider.use(async (context, next) => {
    await next();
    const accountId = context.oidc?.entities.AccessToken?.accountId;
    if (context.oidc?.route !== "token" || context.status !== 200 || accountId === undefined)
      return;
    const account = { id: accountId, payment_credentials: "orchestrator" };
    context.body = { ...(context.body as object), account };
  });
  return { provider };
}

function isOwnToken(
  _: unknown,
  client: { clientId: string },
  token: { clientId: string },
): boolean {
  return client.clientId === token.clientId;
}

function clientMetadata(client: TrustedIssuer | undefined): Record<string, unknown> | undefined {
  if (!client) return undefined;
  return {
    client_id: client.clientId,
    client_name: client.issuer,
    redirect_uris: [client.redirectUri],
    application_type: "web",
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    scope: SCOPE,
  };
}

function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return JSON.stringify({ ...privateKey.export({ format: "jwk" }), alg: "EdDSA", use: "sig" });
}
