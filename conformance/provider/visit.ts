/**
 * What a case may do at a provider: signed and unsigned requests, users of its own that get accounts, and what the catalog offers to try.
 * It signs also what an honest orchestrator never would.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import {
  API_VERSION,
  API_VERSION_HEADER,
  type IdentityAssertionClaims,
  type MandateClaims,
  type Service,
  type ServicesPage,
  signIdentityAssertion,
  SIGNATURE_HEADER,
  signMandate,
  signRequest,
} from "../../protocol/index.ts";
import type { ProviderTester } from "./tester.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON, or {} where it is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Send {
  readonly method?: string;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is signed in the place of what is sent. */
  readonly signed?: Partial<{ method: string; url: string; body: string; now: number; id: string }>;
  /** False sends it unsigned. */
  readonly sign?: boolean;
}

/** A user with an account. */
export interface Session {
  readonly subject: string;
  readonly email: string;
  readonly accountId: string;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Visit {
  readonly url: string;
  readonly page: ServicesPage;
  readonly tester: ProviderTester;
  readonly send: (path: string, send?: Send) => Promise<Answer>;
  /** A form to the token endpoint. */
  readonly token: (form: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly mandate: (claims?: Partial<MandateClaims>) => Promise<string>;
  readonly assertion: (claims?: Partial<IdentityAssertionClaims>, id?: string) => Promise<string>;
  /** An account request of a new user, with what the case changes, and the PKCE verifier of its code. */
  readonly ask: (
    changes?: Readonly<Record<string, unknown>>,
    user?: User,
  ) => Promise<{ answer: Answer; verifier: string }>;
  /** A new user with an account; throws where it gets none. */
  readonly connect: () => Promise<Session>;
  /** What can be added without anything to fill in. */
  readonly free: Service | undefined;
  readonly paid: Service | undefined;
  /** A free one that can become a paid one. */
  readonly upgrade: { readonly from: string; readonly to: string } | undefined;
  /** One that is billed by use. */
  readonly usage: Service | undefined;
}

export interface User {
  readonly subject: string;
  readonly email: string;
}

const TIMEOUT_MS = 20_000;

export function openVisit(url: string, page: ServicesPage, tester: ProviderTester): Visit {
  const { issuer, clientId, key } = tester;
  const seconds = () => Math.floor(Date.now() / 1000);
  const visit: Visit = {
    url,
    page,
    tester,
    send: async (path, { method = "POST", body, headers = {}, signed = {}, sign = true } = {}) => {
      const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
      const { now = Date.now(), id = randomUUID(), ...changed } = signed;
      const whole = { method, url: url + path, body: text, ...changed };
      const signature = sign ? await signRequest(whole, { key, issuer, now, id }) : undefined;
      return read(url + path, {
        method,
        headers: {
          "content-type": "application/json",
          [API_VERSION_HEADER]: API_VERSION,
          ...(signature === undefined ? {} : { [SIGNATURE_HEADER]: signature }),
          ...headers,
        },
        ...(text === "" ? {} : { body: text }),
      });
    },
    token: (form) =>
      read(`${url}/oauth/token`, {
        method: "POST",
        body: new URLSearchParams({ client_id: clientId, ...form }),
      }),
    mandate: (claims) => {
      const iat = seconds();
      const cap = { currency: "usd", max_amount_per_month: "1000000.00", version: 1 } as const;
      const whole = {
        iss: issuer,
        sub: "check",
        aud: page.provider.id,
        ...cap,
        iat,
        exp: iat + 3600,
      };
      return signMandate({ ...whole, ...claims }, key);
    },
    assertion: (claims, id = randomUUID()) =>
      signIdentityAssertion(
        {
          iss: issuer,
          sub: "nobody",
          aud: page.provider.issuer,
          client_id: clientId,
          auth_time: seconds(),
          email: "nobody@example.com",
          email_verified: true,
          ...claims,
        },
        { key, now: Date.now(), id },
      ),
    ask: async (changes = {}, user = newUser()) => {
      const verifier = randomBytes(32).toString("base64url");
      const challenge = createHash("sha256").update(verifier).digest("base64url");
      const { subject: sub, email } = user;
      const body = {
        id: `acctreq_${randomUUID()}`,
        object: "account_request",
        email,
        kyc: { verified_fields: ["email"] },
        scopes: [],
        client_capabilities: ["browser"],
        confirmation_secret: randomUUID(),
        expires_at: new Date(Date.now() + 60_000).toISOString(),
        orchestrator: { type: "check", account: sub },
        client_id: clientId,
        code_challenge: challenge,
        code_challenge_method: "S256",
        terms: {
          version: page.provider.tos_version,
          accepted_at: new Date().toISOString(),
          accepted_by: "user",
        },
        mandate: await visit.mandate(),
        identity_assertion: await visit.assertion({ sub, email }),
        ...changes,
      };
      return { answer: await visit.send("/provisioning/account_requests", { body }), verifier };
    },
    connect: async () => {
      const user = newUser();
      const { answer, verifier } = await visit.ask({}, user);
      const { code = "" } = (answer.body["oauth"] ?? {}) as { code?: string };
      const form = { grant_type: "authorization_code", code, code_verifier: verifier };
      const tokens = await visit.token(form);
      const { access_token: accessToken, refresh_token, account } = tokens.body;
      if (typeof accessToken !== "string")
        throw new Error(
          `a new user got no account: ${sayAnswer(answer)}, then ${sayAnswer(tokens)}`,
        );
      return {
        ...user,
        accountId: String((account as { id?: unknown } | undefined)?.id),
        accessToken,
        refreshToken: typeof refresh_token === "string" ? refresh_token : undefined,
        headers: { authorization: `Bearer ${accessToken}` },
      };
    },
    free: page.data.find((service) => service.pricing.type === "free" && isPlain(service)),
    paid: page.data.find((service) => service.pricing.type === "paid" && isPlain(service)),
    upgrade: page.data.flatMap((service) => upgradesOf(service, page.data))[0],
    usage: page.data.find(
      ({ pricing, ...service }) =>
        pricing.type === "paid" &&
        pricing.paid.every(({ kind }) => kind === "usage") &&
        isPlain({ pricing, ...service }),
    ),
  };
  return visit;
}

export function newUser(): User {
  const id = randomUUID().slice(0, 13);
  return { subject: `check-${id}`, email: `check-${id}@example.com` };
}

/** What a free service can become that is paid. */
function upgradesOf(from: Service, services: readonly Service[]) {
  if (from.pricing.type !== "free" || !isPlain(from)) return [];
  return (from.allowed_updates ?? []).flatMap(({ service: id, direction }) => {
    const to = services.find((service) => service.id === id);
    const paid = to?.pricing.type === "paid" && isPlain(to) && direction !== "down";
    return paid ? [{ from: from.id, to: id }] : [];
  });
}

/** Added through an orchestrator, with nothing to fill in. */
function isPlain({ operations, configuration_schema: schema }: Service): boolean {
  const required = schema?.["required"];
  return operations["create"] === undefined && (!Array.isArray(required) || required.length === 0);
}

async function read(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, {
    ...init,
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body: unknown = await response.json().catch(() => ({}));
  const isObject = body !== null && typeof body === "object";
  const { status, headers } = response;
  return { status, headers, body: isObject ? (body as Answer["body"]) : {} };
}

/** For people: status, and the code of its error. */
export function sayAnswer(answer: Answer): string {
  const code = codeOf(answer);
  return code === undefined ? String(answer.status) : `${answer.status} "${code.slice(0, 60)}"`;
}

/** The error's code, in whichever envelope. */
export function codeOf({ body: { error } }: Answer): string | undefined {
  if (typeof error === "string") return error;
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
