/** How `oidc-provider` is set up: PKCE S256 for everyone, public clients only, our pages for its interactions, no window of its own. */
import type { Adapter } from "oidc-provider";
import { escapeHtml } from "../../protocol/index.ts";
import type { Accounts } from "./accounts.ts";
import { JWT_BEARER } from "./assertion-grant.ts";
import { INTERACTION_PATH } from "./consent/interactions.ts";
import { page, pageHeaders } from "./consent/pages.ts";
import { PENDING_MS } from "./consent/pending-requests.ts";
import { PROFILES } from "./profiles.ts";
import { SCOPE_NAMES } from "./scopes.ts";
import type { TrustedIssuer } from "./trust.ts";

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
/** Seconds. */
const PENDING = PENDING_MS / 1000;
const TTL_SECONDS = {
  AuthorizationCode: 120,
  AccessToken: 3600 * 8,
  RefreshToken: 3600 * 24 * 90,
  Grant: 3600 * 24 * 365,
  IdToken: 3600,
  Interaction: PENDING,
  DeviceCode: PENDING,
  Session: 3600,
};
const ROUTES = {
  authorization: "/oauth/authorize",
  pushed_authorization_request: "/oauth/par",
  device_authorization: "/oauth/device/code",
  code_verification: "/oauth/device",
  token: "/oauth/token",
  jwks: "/oauth/jwks",
  introspection: "/oauth/introspect",
  revocation: "/oauth/revoke",
  userinfo: "/oauth/userinfo",
  end_session: "/oauth/session/end",
};

export interface OAuthConfigOptions {
  readonly providerName: string;
  /** The one resource that tokens are for. */
  readonly publicUrl: string;
  readonly invalidTarget: () => Error;
  readonly needsPkce: (clientId: string) => boolean;
  readonly accounts: Accounts;
  readonly adapter: (model: string) => Adapter;
  /** A JWK with its private half, as JSON. */
  readonly signingKey: string;
  readonly cookieKey: string;
}

export function oauthConfig({
  providerName,
  publicUrl,
  invalidTarget,
  needsPkce,
  accounts,
  adapter,
  signingKey,
  cookieKey,
}: OAuthConfigOptions): object {
  return {
    adapter,
    jwks: { keys: [JSON.parse(signingKey)] },
    cookies: { keys: [cookieKey] },
    enabledJWA: { idTokenSigningAlgValues: ["EdDSA"] },
    clientDefaults: { id_token_signed_response_alg: "EdDSA" },
    clientAuthMethods: ["none", "client_secret_post"],
    responseTypes: ["code"],
    scopes: SCOPE_NAMES,
    /** The account request that an authorization is about; only this server sets one that means anything. */
    extraParams: ["account_request"],
    pkce: { required: (_: unknown, client: { clientId: string }) => needsPkce(client.clientId) },
    routes: ROUTES,
    ttl: TTL_SECONDS,
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true, ...devicePages(providerName) },
      introspection: { enabled: true, allowedPolicy: isOwnToken },
      revocation: { enabled: true, allowedPolicy: isOwnToken },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_: unknown, resource: string) => {
          if (resource !== publicUrl) throw invalidTarget();
          const scope = SCOPE_NAMES.join(" ");
          return { scope, audience: publicUrl, accessTokenFormat: "opaque" };
        },
      },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `${INTERACTION_PATH}/${uid}` },
    findAccount: (_: unknown, id: string) => {
      const account = accounts.find(id);
      return account && { accountId: id, claims: () => ({ sub: id, email: account.email }) };
    },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    renderError: (context: { body: unknown }, error: unknown) => {
      context.body = error;
    },
  };
}

interface PageContext {
  body: unknown;
  set(headers: Record<string, string>): void;
}

/** The pages around a device's code; `form` is the library's, with its own token against forms of other sites. */
function devicePages(providerName: string) {
  const show = (context: PageContext, title: string, body: string) => {
    context.set(pageHeaders());
    context.body = page(title, body);
  };
  return {
    userCodeInputSource: (context: PageContext, form: string, _: unknown, error?: unknown) => {
      const problem =
        error === undefined ? "" : `<p class="problem" role="alert">That code does not hold.</p>`;
      const button = `<button type="submit" form="op.deviceInputForm">Continue</button>`;
      show(
        context,
        `Connect to ${providerName}`,
        `${problem}<p>Enter the code that your agent shows.</p>${form}${button}`,
      );
    },
    userCodeConfirmSource: (
      context: PageContext,
      form: string,
      client: { clientName?: string; clientId: string },
      _: unknown,
      userCode: string,
    ) => {
      const name = escapeHtml(client.clientName ?? client.clientId);
      const buttons = `<button type="submit" form="op.deviceConfirmForm">Continue</button><button type="submit" form="op.deviceConfirmForm" value="yes" name="abort">Stop</button>`;
      show(
        context,
        "Is this your agent's code?",
        `<p>${name} shows the code <strong>${escapeHtml(userCode)}</strong>. If it shows another one, or you did not ask for this, stop.</p>${form}${buttons}`,
      );
    },
    successSource: (context: PageContext) =>
      show(context, "Connected", "<p>You can close this page; your agent goes on.</p>"),
  };
}

function isOwnToken(
  _: unknown,
  client: { clientId: string },
  token: { clientId: string },
): boolean {
  return client.clientId === token.clientId;
}

export function clientMetadata(
  client: TrustedIssuer | undefined,
  secret: string,
): Record<string, unknown> | undefined {
  if (!client) return undefined;
  return {
    client_id: client.clientId,
    client_name: client.issuer,
    redirect_uris: [client.redirectUri],
    application_type: "web",
    // What no JWT vouches for proves itself by signing, and this server speaks for it: see plain-token-requests.ts.
    ...(PROFILES[client.profile].jwt
      ? { token_endpoint_auth_method: "none" }
      : { token_endpoint_auth_method: "client_secret_post", client_secret: secret }),
    grant_types: ["authorization_code", "refresh_token", DEVICE_GRANT, JWT_BEARER],
    response_types: ["code"],
    scope: SCOPE_NAMES.join(" "),
  };
}
