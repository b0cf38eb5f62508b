/**
 * The orchestrator at the OpenID Connect issuer that signs its users in: it sends a browser there, and learns from what the browser comes
 * back with who that is. `openid-client` checks the answer: state, nonce, PKCE (S256), audience, issuer and signature.
 */
import { createHash } from "node:crypto";
import type { Configuration } from "openid-client";
import type { Secret } from "../../protocol/index.ts";
import { OrchestratorError } from "../error.ts";
import type { User } from "../people.ts";

export interface IssuerOptions {
  /** Any issuer's URL: https, or http on this machine. */
  issuer: string;
  /** As the issuer knows this orchestrator. */
  clientId: string;
  /** Left out for a public client. */
  clientSecret?: Secret | undefined;
  /** The users' ids here; by default made of issuer and subject, so that two issuers' users never meet. */
  userId?: ((subject: string) => string) | undefined;
}

/** What a browser keeps between being sent away and coming back. */
export interface Attempt {
  state: string;
  nonce: string;
  /** Of PKCE. */
  verifier: string;
}

export interface IssuerClient {
  /** Where to send the browser, and what it must bring back. */
  begin(redirectUri: string): Promise<{ url: string; attempt: Attempt }>;
  /** Who came back: `url` is the whole address that the issuer sent the browser to. Throws where anything does not fit. */
  finish(url: URL, attempt: Attempt): Promise<User>;
}

const SCOPE = "openid email profile";
/** What providers take for a fresh sign-in. */
const MAX_AGE_S = 3600;

/** Reads the issuer's metadata when somebody first signs in; throws `SIGN_IN_INVALID` for an issuer that nobody can trust. */
export function openIssuerClient(options: IssuerOptions): IssuerClient {
  const { issuer, userId = (subject) => idOf(issuer, subject) } = options;
  const insecure = checkIssuer(issuer);
  let found: Promise<Configuration> | undefined;
  const configuration = () => {
    found ??= discover(options, insecure);
    found.catch(() => (found = undefined));
    return found;
  };
  return {
    begin: async (redirectUri) => {
      const config = await configuration();
      const oidc = await import("openid-client");
      const attempt: Attempt = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
      };
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: SCOPE,
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: "S256",
        max_age: String(MAX_AGE_S),
      });
      return { url: url.href, attempt };
    },
    finish: async (url, { state, nonce, verifier }) => {
      const config = await configuration();
      const oidc = await import("openid-client");
      const tokens = await oidc.authorizationCodeGrant(config, url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims()!;
      const { sub, auth_time, iat } = claims;
      const said =
        claims["email"] === undefined
          ? await oidc.fetchUserInfo(config, tokens.access_token, sub)
          : claims;
      const { email, name } = said;
      if (typeof email !== "string") throw withoutEmail(issuer);
      // An issuer that does not say when has at least vouched for the user just now.
      const signedInAt = (auth_time ?? iat) * 1000;
      return {
        id: userId(sub),
        email,
        name: typeof name === "string" ? name.slice(0, 200) : email,
        emailVerified: said["email_verified"] === true,
        signedInAt: () => signedInAt,
      };
    },
  };
}

async function discover(
  { issuer, clientId, clientSecret }: IssuerOptions,
  insecure: boolean,
): Promise<Configuration> {
  const oidc = await import("openid-client");
  const execute = [oidc.enableNonRepudiationChecks];
  if (insecure) execute.push(oidc.allowInsecureRequests);
  const secret = clientSecret?.reveal();
  const authentication = secret === undefined ? oidc.None() : undefined;
  return oidc.discovery(new URL(issuer), clientId, secret, authentication, {
    execute,
    timeout: 10,
  });
}

/** Whether the issuer is spoken to without TLS. */
function checkIssuer(issuer: string): boolean {
  const url = URL.parse(issuer);
  if (url?.protocol === "https:") return false;
  const local = url !== null && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (local && url.protocol === "http:") return true;
  throw new OrchestratorError("SIGN_IN_INVALID", {
    problem: `"${issuer.slice(0, 200)}" cannot sign users in: it is no https URL, and not on this machine.`,
    nextStep: "Name the issuer's URL as its /.well-known/openid-configuration says it.",
  });
}

function withoutEmail(issuer: string): OrchestratorError {
  return new OrchestratorError("SIGN_IN_INVALID", {
    problem: `${issuer} does not say the user's e-mail.`,
    nextStep: "Let the issuer give this client the scope email.",
  });
}

function idOf(issuer: string, subject: string): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([issuer, subject]))
    .digest("hex");
  return `usr_${hash.slice(0, 32)}`;
}
