/** Who the orchestrator is: what it signs as, and what it attests of the users it speaks for. */
import {
  API_VERSION,
  API_VERSION_HEADER,
  formatDecimal,
  HMAC_HEADER,
  SIGNATURE_HEADER,
  type SignedRequest,
  signHmac,
  signIdentityAssertion,
  signMandate,
  signRequest,
} from "../protocol/index.ts";
import type { User } from "./people.ts";
import { type Cap, USD_DECIMALS } from "./projects.ts";
import { callProvider, type ProviderAnswer, type ProviderCallOptions } from "./provider-call.ts";
import type { SharedSecrets } from "./shared-secrets.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** A mandate and what the orchestrator must remember of it. */
export interface IssuedMandate {
  token: string;
  version: number;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A call that is signed, and carries the account's token where it has one. */
export interface SignedCall {
  method: "GET" | "POST";
  url: string;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

interface SignedTextCall extends Omit<SignedCall, "body"> {
  text: string;
}

/** A fresh mandate of a project for a provider; undefined for one that knows no mandates. */
export type MandateOf = (project: string, provider: string) => Promise<string | undefined>;

const MANDATE_LIFETIME_MS = 31 * 24 * 60 * 60 * 1000;

export class Identity {
  readonly issuer: string;
  /** What the orchestrator is called as an OAuth client at every provider. */
  readonly clientId: string;
  readonly keys: SigningKeys;
  readonly #secrets: SharedSecrets;
  readonly #isPlain: (url: string) => boolean;
  readonly #call: ProviderCallOptions;
  readonly #now: () => number;
  readonly #newId: () => string;

  constructor({ issuer, clientId, keys, secrets, isPlain, call, now, newId }: IdentityOptions) {
    this.issuer = issuer;
    this.clientId = clientId;
    this.keys = keys;
    this.#secrets = secrets;
    this.#isPlain = isPlain;
    this.#call = call;
    this.#now = now;
    this.#newId = newId;
  }

  /** Sends a call in the profile of APP 0.1d: version, signature over method, URL and raw body. */
  send({ body, ...call }: SignedCall): Promise<ProviderAnswer> {
    return this.sendText({ ...call, text: body === undefined ? "" : JSON.stringify(body) });
  }

  /** The same, of a body that is a text already; "" is none. */
  async sendText({ method, url, text, headers }: SignedTextCall): Promise<ProviderAnswer> {
    const signed = {
      ...(await this.#sign({ method, url, body: text })),
      ...(text === "" ? {} : { "content-type": "application/json" }),
      ...headers,
    };
    return callProvider(
      { method, url, headers: signed, ...(text === "" ? {} : { body: text }) },
      this.#call,
    );
  }

  /** As `fetch`, for requests whose body is a text: each is signed when it leaves. */
  sendSigned: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const body = typeof init?.body === "string" ? init.body : "";
    const signed = await this.#sign({ method: init?.method ?? "GET", url, body });
    const headers = new Headers(init?.headers);
    for (const [name, value] of Object.entries(signed)) headers.set(name, value);
    return this.#call.fetch(url, { ...init, headers });
  };

  async #sign(request: SignedRequest): Promise<Record<string, string>> {
    const now = this.#now();
    const secrets = await this.#secrets.of(request.url);
    return {
      [API_VERSION_HEADER]: API_VERSION,
      ...(this.#isPlain(request.url) ? {} : { [SIGNATURE_HEADER]: await this.#jwt(request) }),
      ...(secrets.length > 0 ? { [HMAC_HEADER]: signHmac(request.body, { secrets, now }) } : {}),
    };
  }

  /** A token request of the profile of APP 0.1d as it is published: its signature says who asks. */
  async signForm(url: string, body: string): Promise<Record<string, string>> {
    const secrets = await this.#secrets.of(url);
    return { [HMAC_HEADER]: signHmac(body, { secrets, now: this.#now() }) };
  }

  #jwt(request: SignedRequest): Promise<string> {
    const now = this.#now();
    const key = this.keys.current();
    return signRequest(request, { key, issuer: this.issuer, now, id: this.#newId() });
  }

  /** Who a user is, for one provider (its issuer) and one use. */
  assertion(user: User, audience: string): Promise<string> {
    const { id, email, name, emailVerified, signedInAt = this.#now } = user;
    return signIdentityAssertion(
      {
        iss: this.issuer,
        sub: id,
        aud: audience,
        client_id: this.clientId,
        auth_time: Math.floor(signedInAt() / 1000),
        email,
        email_verified: emailVerified,
        name,
      },
      { key: this.keys.current(), now: this.#now(), id: this.#newId() },
    );
  }

  /** The orchestrator's signed word on what a provider may charge a project in a month. */
  async mandate(project: string, provider: string, cap: Cap): Promise<IssuedMandate> {
    const iat = Math.floor(this.#now() / 1000);
    const exp = iat + MANDATE_LIFETIME_MS / 1000;
    const claims = {
      iss: this.issuer,
      sub: project,
      aud: provider,
      currency: "usd" as const,
      max_amount_per_month: formatDecimal(cap.amount, USD_DECIMALS),
      version: cap.version,
      iat,
      exp,
    };
    const token = await signMandate(claims, this.keys.current());
    return { token, version: cap.version, expiresAt: exp * 1000 };
  }
}

export interface IdentityOptions {
  issuer: string;
  clientId: string;
  keys: SigningKeys;
  secrets: SharedSecrets;
  /** Whether a URL is one of a provider that speaks the protocol as it is published: it knows no JWT of ours. */
  isPlain: (url: string) => boolean;
  call: ProviderCallOptions;
  now: () => number;
  newId: () => string;
}
