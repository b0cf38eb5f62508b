/**
 * The provider's authorization server: `oidc-provider`, with PKCE S256 for everyone and public clients only. An account request
 * that was granted becomes an authorization code here, without a browser; `/oauth/token` turns it into tokens that stand for
 * one connection. The library is heavy, so it loads in the background, and whoever needs it waits.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { RequestHandler } from "express";
import type Provider from "oidc-provider";
import type { RequiresAuth } from "../../protocol/index.ts";
import type { Database } from "../../store/index.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { Connections } from "./connections.ts";
import { askConsent, type ConsentOrder } from "./consent/ask-consent.ts";
import { openOAuthStorage } from "./oauth-adapter.ts";
import { clientMetadata, oauthConfig, SCOPE } from "./oauth-config.ts";
import type { Settings } from "./settings.ts";
import type { Trust, TrustedIssuer } from "./trust.ts";

export interface OAuth {
  /** The token endpoint, keys, revocation and metadata. */
  readonly handler: RequestHandler;
  /** A single-use code for the account, bound to the client and the PKCE challenge. */
  mintCode(order: CodeOrder): Promise<string>;
  /** How the owner of an account can be asked to let the client in. */
  askConsent(order: ConsentOrder): Promise<RequiresAuth>;
  /** The library, for the pages of its interactions. */
  readonly library: Promise<Provider>;
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
  /** For people. */
  providerName: string;
  database: Database;
  settings: Settings;
  accounts: Accounts;
  connections: Connections;
  trust: Trust;
  publicUrl: string;
}

export function openOAuth(options: OAuthOptions): OAuth {
  const loading = load(options);
  // A failure is reported to whoever needs it, not to nobody.
  loading.catch(() => {});
  return {
    handler: async (request, response, next) => {
      const own =
        request.path.startsWith("/oauth/") || request.path.startsWith("/.well-known/openid-");
      if (!own) return next();
      const provider = await loading;
      await provider.callback()(request, response);
    },
    mintCode: async ({ account, client, project, codeChallenge }) => {
      const provider = await loading;
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
    library: loading,
    askConsent: async (order) => askConsent(await loading, options.publicUrl, order),
    findConnectionId: async (accessToken) => {
      const provider = await loading;
      const token = await provider.AccessToken.find(accessToken);
      return token?.isValid === true ? token.grantId : undefined;
    },
  };
}

async function load({
  providerName,
  database,
  settings,
  accounts,
  trust,
  publicUrl,
}: OAuthOptions): Promise<Provider> {
  const { default: Library, errors } = await import("oidc-provider");
  const storage = openOAuthStorage({
    database,
    findClient: (id) => clientMetadata(trust.findClient(id)),
    consumedTwice: () => new errors.InvalidGrant("already consumed"),
  });
  const config = oauthConfig({
    providerName,
    accounts,
    adapter: (model: string) => storage.adapter(model),
    signingKey: settings.once("oauth-key", newSigningKey),
    cookieKey: settings.once("oauth-cookies", () => randomBytes(32).toString("base64url")),
  });
  const provider = new Library(publicUrl, config);
  provider.use(async (context, next) => {
    await next();
    const accountId = context.oidc?.entities.AccessToken?.accountId;
    if (context.oidc?.route !== "token" || context.status !== 200 || accountId === undefined)
      return;
    const account = { id: accountId, payment_credentials: "orchestrator" };
    context.body = { ...(context.body as object), account };
  });
  return provider;
}

function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return JSON.stringify({ ...privateKey.export({ format: "jwk" }), alg: "EdDSA", use: "sig" });
}
