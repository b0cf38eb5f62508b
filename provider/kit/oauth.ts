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
import type { Account } from "./accounts.ts";
import { addAssertionGrant, type AssertionGrantOptions } from "./assertion-grant.ts";
import type { Connection } from "./connections.ts";
import { askConsent, type ConsentOrder } from "./consent/ask-consent.ts";
import { openOAuthStorage } from "./oauth-adapter.ts";
import { clientMetadata, oauthConfig } from "./oauth-config.ts";
import { plainClientSecret } from "./plain-token-requests.ts";
import { PROFILES } from "./profiles.ts";
import type { Settings } from "./settings.ts";
import type { TrustedIssuer } from "./trust.ts";

export interface OAuth {
  /** The token endpoint, keys, revocation and metadata. */
  readonly handler: RequestHandler;
  /** A single-use code for the account, bound to the client and the PKCE challenge. */
  mintCode(order: CodeOrder): Promise<string>;
  /** How the owner of an account can be asked to let the client in. */
  askConsent(order: ConsentOrder): Promise<RequiresAuth>;
  /** The library, for the pages of its interactions. */
  readonly library: Promise<Provider>;
  /** What an access token stands for, or undefined where it holds not. */
  findToken(accessToken: string): Promise<FoundToken | undefined>;
  /** Whether a grant's code has become tokens. */
  isUsed(grantId: string): boolean;
  /** Ends a grant with every token of it. */
  revoke(grantId: string): Promise<void>;
}

interface FoundToken {
  /** The connection's id. */
  readonly grantId: string;
  readonly scope: string;
  /** The thumbprint of the key that it is bound to. */
  readonly jkt: string | undefined;
}

interface CodeOrder {
  account: Account;
  client: TrustedIssuer;
  /** The connection that its tokens will stand for. */
  connection: Omit<Connection, "id" | "accountId" | "issuer">;
  codeChallenge: string | undefined;
}

export interface OAuthOptions extends AssertionGrantOptions {
  /** For people. */
  providerName: string;
  database: Database;
  settings: Settings;
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
    mintCode: async ({ account, client, connection, codeChallenge }) => {
      const provider = await loading;
      const grant = new provider.Grant({ accountId: account.id, clientId: client.clientId });
      const { scope } = connection;
      grant.addOIDCScope(scope);
      grant.addResourceScope(options.publicUrl, scope);
      const grantId = await grant.save();
      const { id: accountId } = account;
      options.connections.add({ ...connection, id: grantId, accountId, issuer: client.issuer });
      const code = new provider.AuthorizationCode({
        accountId,
        client: await provider.Client.find(client.clientId),
        grantId,
        gty: "authorization_code",
        ...(codeChallenge === undefined ? {} : { codeChallenge, codeChallengeMethod: "S256" }),
        redirectUri: client.redirectUri,
        resource: options.publicUrl,
        scope,
      });
      return code.save();
    },
    library: loading,
    askConsent: async (order) => askConsent(await loading, options.publicUrl, order),
    findToken: async (accessToken) => {
      const provider = await loading;
      const token = await provider.AccessToken.find(accessToken);
      if (token?.isValid !== true || token.grantId === undefined) return undefined;
      // Made before there were audiences, or for this one.
      if (token.aud !== undefined && token.aud !== options.publicUrl) return undefined;
      const { grantId, jkt, scope = "" } = token;
      return { grantId, jkt, scope };
    },
    isUsed: (grantId) => options.database.query(USED).get(grantId) !== undefined,
    revoke: async (grantId) => {
      const provider = await loading;
      const { AccessToken, RefreshToken, AuthorizationCode, DeviceCode } = provider;
      const models = [AccessToken, RefreshToken, AuthorizationCode, DeviceCode];
      await Promise.all(models.map((model) => model.revokeByGrantId(grantId)));
      await (await provider.Grant.find(grantId))?.destroy();
    },
  };
}

const USED =
  "SELECT hash FROM oauth_item WHERE grant_id = ? AND model IN ('AccessToken', 'RefreshToken') LIMIT 1";

async function load(options: OAuthOptions): Promise<Provider> {
  const { providerName, database, settings, accounts, trust, publicUrl } = options;
  const { default: Library, errors } = await import("oidc-provider");
  const clientSecret = plainClientSecret(settings);
  const storage = openOAuthStorage({
    database,
    findClient: (id) => clientMetadata(trust.findClient(id), clientSecret),
    consumedTwice: () => new errors.InvalidGrant("already consumed"),
  });
  const config = oauthConfig({
    providerName,
    publicUrl,
    needsPkce: (clientId) => PROFILES[trust.findClient(clientId)?.profile ?? "strict"].attested,
    invalidTarget: () => new errors.InvalidTarget(),
    accounts,
    adapter: (model: string) => storage.adapter(model),
    signingKey: settings.once("oauth-key", newSigningKey),
    cookieKey: settings.once("oauth-cookies", () => randomBytes(32).toString("base64url")),
  });
  const provider = new Library(publicUrl, config);
  addAssertionGrant(provider, errors, options);
  provider.use(async (context, next) => {
    await next();
    // The secret that this server speaks with for others is nobody's to use.
    if (context.oidc?.route === "discovery") context.body = withoutSecrets(context.body as object);
    const accountId = context.oidc?.entities.AccessToken?.accountId;
    if (context.oidc?.route !== "token" || context.status !== 200 || accountId === undefined)
      return;
    const account = { id: accountId, payment_credentials: "orchestrator" };
    context.body = { ...(context.body as object), account };
  });
  return provider;
}

function withoutSecrets(metadata: object): object {
  const entries = Object.entries(metadata).map(([name, value]: [string, unknown]) => [
    name,
    name.endsWith("_auth_methods_supported") ? ["none"] : value,
  ]);
  return Object.fromEntries(entries);
}

function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return JSON.stringify({ ...privateKey.export({ format: "jwk" }), alg: "EdDSA", use: "sig" });
}
