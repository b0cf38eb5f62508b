/**
 * The orchestrator as an OAuth client: a code and its PKCE verifier become tokens, and a refresh token becomes newer ones. The
 * token endpoint comes from the issuer's metadata, and must lie at the provider's own origin, because a token is sent there.
 */
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { type CatalogProvider, PurserError, Secret, TokenResponse } from "../protocol/index.ts";
import {
  callProvider,
  callTwice,
  invalid,
  type ProviderAnswer,
  type ProviderCallOptions,
} from "./provider-call.ts";
import { readProblem, refusal } from "./provider-error.ts";

/** RFC 7636: the verifier is kept, the challenge is sent. */
export interface Pkce {
  verifier: Secret;
  challenge: string;
}

export interface Tokens {
  accessToken: Secret;
  refreshToken: Secret | undefined;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  accountId: string;
}

/** A stranger's number: longer than this is taken for this. */
const MAX_LIFETIME_S = 400 * 24 * 60 * 60;

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
/** RFC 8628, section 3.5. */
const DEVICE_STATES: Readonly<Record<string, "pending" | "declined" | "expired">> = {
  authorization_pending: "pending",
  slow_down: "pending",
  access_denied: "declined",
  expired_token: "expired",
  invalid_grant: "expired",
};

const Metadata = z.looseObject({
  issuer: z.string().max(500),
  token_endpoint: z.url().max(500),
  revocation_endpoint: z.url().max(500).optional(),
});

/** How providers that speak APP 0.1d as it is published are asked for tokens: no client id and no PKCE, but a signature. */
export interface PlainForms {
  is(baseUrl: string): boolean;
  sign(url: string, body: string): Promise<Record<string, string>>;
}

export interface Endpoints {
  token: string;
  revocation: string | undefined;
}

export function newPkce(): Pkce {
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  return { verifier: new Secret(verifier), challenge };
}

export class OAuthClient {
  readonly #clientId: string;
  readonly #call: ProviderCallOptions;
  readonly #now: () => number;
  readonly #plain: PlainForms;
  readonly #endpoints = new Map<string, Promise<Endpoints>>();

  constructor({
    clientId,
    plain,
    call,
    now,
  }: {
    clientId: string;
    plain: PlainForms;
    call: ProviderCallOptions;
    now: () => number;
  }) {
    this.#plain = plain;
    this.#clientId = clientId;
    this.#call = call;
    this.#now = now;
  }

  exchangeCode(provider: CatalogProvider, code: Secret, pkce: Pkce): Promise<Tokens> {
    const grant = { grant_type: "authorization_code", code: code.reveal() };
    if (this.#plain.is(provider.baseUrl)) return this.#token(provider, grant);
    return this.#token(provider, { ...grant, code_verifier: pkce.verifier.reveal() });
  }

  refresh(provider: CatalogProvider, refreshToken: Secret): Promise<Tokens> {
    return this.#token(provider, {
      grant_type: "refresh_token",
      refresh_token: refreshToken.reveal(),
    });
  }

  /** What has become of a device's code (RFC 8628, section 3.4). */
  async pollDevice(
    provider: CatalogProvider,
    deviceCode: string,
  ): Promise<Tokens | "pending" | "declined" | "expired"> {
    const form = { grant_type: DEVICE_GRANT, device_code: deviceCode };
    const answer = await this.#post(provider, form);
    if (answer.status === 200) return this.#read(provider, answer);
    const code = readProblem(answer.body)?.code ?? "";
    const state = DEVICE_STATES[code];
    if (state) return state;
    throw refusal(provider.profile.id, "token request", answer);
  }

  /** Ends a token (RFC 7009); false where the provider cannot be told, or has no way to be. */
  async revoke(provider: CatalogProvider, token: Secret): Promise<boolean> {
    try {
      const { revocation } = await this.endpoints(provider);
      if (revocation === undefined) return false;
      const form = { token: token.reveal(), client_id: this.#clientId };
      const body = new URLSearchParams(form).toString();
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const call = { method: "POST", url: revocation, headers, body } as const;
      const { status } = await callTwice(() => callProvider(call, this.#call));
      return status === 200;
    } catch (error) {
      if (error instanceof PurserError) return false;
      throw error;
    }
  }

  /** Where tokens are had and ended, or `PROVIDER_INVALID`; without metadata they are had at APP's `/oauth/token`. */
  endpoints(provider: CatalogProvider): Promise<Endpoints> {
    const { baseUrl } = provider;
    let endpoint = this.#endpoints.get(baseUrl);
    if (!endpoint) {
      endpoint = this.#readEndpoints(provider);
      this.#endpoints.set(baseUrl, endpoint);
      endpoint.catch(() => this.#endpoints.delete(baseUrl));
    }
    return endpoint;
  }

  async #readEndpoints({ baseUrl, profile }: CatalogProvider): Promise<Endpoints> {
    if (this.#plain.is(baseUrl)) return { token: `${baseUrl}/oauth/token`, revocation: undefined };
    const origin = new URL(baseUrl).origin;
    const issuer = profile.issuer.replace(/\/+$/, "");
    if (URL.parse(issuer)?.origin !== origin) {
      throw invalid(`The OAuth issuer of ${profile.id} is not at its own origin ${origin}.`);
    }
    const url = `${issuer}/.well-known/openid-configuration`;
    const answer = await callProvider({ method: "GET", url }, this.#call);
    if (answer.status !== 200 && answer.status !== 404)
      throw refusal(profile.id, "reading of the OAuth metadata", answer);
    const found: Endpoints =
      answer.status === 404
        ? { token: `${baseUrl}/oauth/token`, revocation: undefined }
        : readMetadata(profile, answer.body);
    const urls = [found.token, ...(found.revocation === undefined ? [] : [found.revocation])];
    if (urls.every((endpoint) => new URL(endpoint).origin === origin)) return found;
    throw invalid(`The token endpoint of ${profile.id} is not at its own origin ${origin}.`);
  }

  async #token(provider: CatalogProvider, form: Record<string, string>): Promise<Tokens> {
    const answer = await this.#post(provider, form);
    if (answer.status !== 200) throw refusal(provider.profile.id, "token request", answer);
    return this.#read(provider, answer);
  }

  async #post(provider: CatalogProvider, form: Record<string, string>): Promise<ProviderAnswer> {
    const { token: url } = await this.endpoints(provider);
    const isPlain = this.#plain.is(provider.baseUrl);
    const whole = isPlain ? form : { ...form, client_id: this.#clientId };
    const body = new URLSearchParams(whole).toString();
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      ...(isPlain ? await this.#plain.sign(url, body) : {}),
    };
    return callProvider({ method: "POST", url, headers, body }, this.#call);
  }

  #read(provider: CatalogProvider, answer: ProviderAnswer): Tokens {
    const { data } = TokenResponse.safeParse(answer.body);
    if (data) return this.tokensOf(data);
    throw invalid(`${provider.profile.id} answers the token request in an unknown shape.`);
  }

  /** As they are kept, counted from now. */
  tokensOf(data: TokenResponse): Tokens {
    return {
      accessToken: new Secret(data.access_token),
      refreshToken: data.refresh_token === undefined ? undefined : new Secret(data.refresh_token),
      expiresAt: this.#now() + Math.floor(Math.min(data.expires_in, MAX_LIFETIME_S) * 1000),
      accountId: data.account.id,
    };
  }
}

function readMetadata({ id, issuer }: CatalogProvider["profile"], body: unknown): Endpoints {
  const { data } = Metadata.safeParse(body);
  if (data?.issuer === issuer)
    return { token: data.token_endpoint, revocation: data.revocation_endpoint };
  throw invalid(`The OAuth metadata of ${id} does not name the issuer that its catalog names.`);
}
