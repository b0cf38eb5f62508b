/**
 * A small provider for the orchestrator's tests. It is a stand-in (no payments, nothing is really provisioned), but a strict one:
 * it is a real HTTP server, and every signature, mandate, PKCE verifier and bearer token is really verified.
 */
import { createHash, randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";
import { createLocalJWKSet, type JSONWebKeySet } from "jose";
import {
  AccountRequest,
  type MandateClaims,
  ResourceRequest,
  ServicesPage,
  SIGNATURE_HEADER,
  verifyIdentityAssertion,
  verifyMandate,
  verifyRequestSignature,
} from "../../protocol/index.ts";

export const ISSUER = "https://orchestrator.purser.test";
export const PAY_TO = "0x1111111111111111111111111111111111111111";

/** What a test can make the provider do; changed at any time. */
export interface Manners {
  id: string;
  tosVersion: string;
  payTo: string;
  expiresIn: number;
  /** Replaces the catalog's body. */
  catalog?: (page: ServicesPage) => unknown;
  /** Answers a path in place of the provider. */
  intercept: Map<string, (request: Request, response: Response) => void>;
  metadata?: (own: object) => object;
  /** The account has an owner who has not consented. */
  consentUrl?: string | undefined;
  access: Record<string, string>;
  pending: boolean;
}

export interface ProviderDouble extends AsyncDisposable {
  url: string;
  manners: Manners;
  /** What arrived, in order. */
  requests: { path: string; body: string; headers: Request["headers"] }[];
  accounts: Map<string, string>;
  resources: Map<string, { id: string; key: string }>;
  mandates: MandateClaims[];
  /** Makes every access token invalid, as an expiry would. */
  forgetTokens(): void;
  paths(): string[];
  /** Its catalog as it is when nobody meddles. */
  page(): ServicesPage;
}

export async function startProviderDouble(options: {
  jwks: () => Promise<JSONWebKeySet>;
  now: () => number;
  manners?: Partial<Manners>;
}): Promise<ProviderDouble> {
  const { jwks, now } = options;
  const manners: Manners = {
    id: "harbour",
    tosVersion: "2026-01",
    payTo: PAY_TO,
    expiresIn: 3600,
    intercept: new Map(),
    access: { HARBOUR_ACCOUNT_ID: "acc", HARBOUR_REGION: "north" },
    pending: false,
    ...options.manners,
  };
  const double = {
    requests: [] as ProviderDouble["requests"],
    accounts: new Map<string, string>(),
    resources: new Map<string, { id: string; key: string }>(),
    mandates: [] as MandateClaims[],
  };
  const codes = new Map<string, { account: string; challenge: string }>();
  const access = new Map<string, string>();
  const refresh = new Map<string, string>();
  const seen = new Set<string>();
  const app = express();
  app.use(express.text({ type: () => true }));
  app.use((request, response, next) => {
    const body = textOf(request);
    double.requests.push({ path: request.path, body, headers: request.headers });
    const own = manners.intercept.get(request.path);
    if (own) own(request, response);
    else next();
  });

  app.get("/provisioning/services", (_request, response) => {
    const page = servicesPage(url(), manners);
    response.json(manners.catalog ? manners.catalog(page) : page);
  });

  app.get("/.well-known/openid-configuration", (_request, response) => {
    const own = { issuer: url(), token_endpoint: `${url()}/oauth/token` };
    response.json(manners.metadata ? manners.metadata(own) : own);
  });

  app.post("/provisioning/account_requests", async (request, response) => {
    await verify(request);
    const body = AccountRequest.parse(JSON.parse(textOf(request)));
    const keys = createLocalJWKSet(await jwks());
    const mandate = await verifyMandate(body.mandate, {
      keys,
      issuer: ISSUER,
      audience: manners.id,
      now: now(),
    });
    double.mandates.push(mandate);
    const check = { keys, issuer: ISSUER, audience: url(), now: now() };
    const user = await verifyIdentityAssertion(body.identity_assertion, check);
    if (seen.has(user.jti) || user.sub !== body.orchestrator.account) throw new Error("replayed");
    seen.add(user.jti);
    if (user.auth_time * 1000 < now() - 3_600_000) {
      const error = { code: "reauthentication_required", message: "Sign in again." };
      response.status(403).json({ type: "error", error });
      return;
    }
    if (body.terms?.version !== manners.tosVersion) {
      const terms = { tos_url: `${url()}/terms`, tos_version: manners.tosVersion };
      const error = { code: "tos_acceptance_required", message: "Accept them.", ...terms };
      response.json({ type: "error", error });
      return;
    }
    if (manners.consentUrl !== undefined) {
      const redirect = { url: manners.consentUrl };
      response.json({ type: "requires_auth", requires_auth: { type: "redirect", redirect } });
      return;
    }
    const subject = body.orchestrator.account;
    const account = double.accounts.get(subject) ?? `acc_${double.accounts.size + 1}`;
    double.accounts.set(subject, account);
    const code = randomUUID();
    codes.set(code, { account, challenge: body.code_challenge });
    response.json({ type: "oauth", oauth: { code } });
  });

  app.post("/oauth/token", (request, response) => {
    const form = new URLSearchParams(textOf(request));
    const code = codes.get(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const account =
      form.get("grant_type") === "refresh_token"
        ? refresh.get(form.get("refresh_token") ?? "")
        : code?.challenge === challenge
          ? code.account
          : undefined;
    codes.delete(form.get("code") ?? "");
    refresh.delete(form.get("refresh_token") ?? "");
    if (account === undefined || form.get("client_id") !== ISSUER) {
      response.status(400).json({ error: "invalid_grant", error_description: "No." });
      return;
    }
    const [accessToken, refreshToken] = [`at_${randomUUID()}`, `rt_${randomUUID()}`];
    access.set(accessToken, account);
    refresh.set(refreshToken, account);
    response.json({
      token_type: "Bearer",
      access_token: accessToken,
      refresh_token: refreshToken,
      expires_in: manners.expiresIn,
      account: { id: account, payment_credentials: "orchestrator" },
    });
  });

  app.post("/provisioning/resources", async (request, response) => {
    await verify(request);
    if (!access.has((request.get("authorization") ?? "").replace(/^Bearer /, ""))) {
      response.status(401).json({ status: "error", error: { code: "unauthorized", message: "" } });
      return;
    }
    const key = request.get("idempotency-key") ?? "";
    const body = ResourceRequest.parse(JSON.parse(textOf(request)));
    const resource = double.resources.get(key) ?? { id: `r_${double.resources.size + 1}`, key };
    double.resources.set(key, resource);
    response.json(describe(resource.id, body.service_id));
  });

  app.get("/provisioning/resources/:id", async (request, response) => {
    await verify(request);
    response.json(describe(request.params.id, "box"));
  });

  app.use((error: unknown, _request: Request, response: Response, next: express.NextFunction) => {
    if (response.headersSent) return next(error);
    const { code } = error as { code?: string };
    return response
      .status(401)
      .json({ error: { code: code ?? "invalid_request", message: String(error) } });
  });

  const server = await new Promise<ReturnType<typeof app.listen>>((resolve) => {
    const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function verify(request: Request): Promise<void> {
    const signed = {
      method: request.method,
      url: url() + request.originalUrl,
      body: textOf(request),
    };
    const keys = createLocalJWKSet(await jwks());
    const token = request.get(SIGNATURE_HEADER);
    const { jti } = await verifyRequestSignature(token, signed, {
      keys,
      issuer: ISSUER,
      now: now(),
    });
    if (seen.has(jti)) throw new Error("replayed");
    seen.add(jti);
  }

  function describe(id: string, service_id: string) {
    if (manners.pending) return { status: "pending", id };
    return {
      status: "complete",
      id,
      service_id,
      complete: { access_configuration: manners.access },
    };
  }

  return {
    ...double,
    url: url(),
    manners,
    page: () => servicesPage(url(), manners),
    forgetTokens: () => access.clear(),
    paths: () => double.requests.map(({ path }) => path),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function textOf(request: Request): string {
  return typeof request.body === "string" ? request.body : "";
}

/** A free plan, a free store, a paid one, and a name that is bought at the provider. */
function servicesPage(url: string, { id, tosVersion, payTo }: Manners): ServicesPage {
  return ServicesPage.parse({
    provider: {
      id,
      name: "Harbour",
      tos_url: `${url}/terms`,
      tos_version: tosVersion,
      issuer: url,
      payment: {
        pay_to: [payTo],
        assets: [
          { network: "eip155:84532", address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e" },
        ],
      },
    },
    data: [
      {
        id: "berth",
        description: "Hosting.",
        pricing: { type: "free" },
        capabilities: { gives: ["hosting"], needs: [] },
      },
      { id: "box", description: "A store.", pricing: { type: "free" } },
      {
        id: "crane",
        description: "Costs money.",
        pricing: {
          type: "paid",
          paid: [
            {
              type: "freeform",
              freeform: "$5 a month",
              amount: "5.00",
              currency: "usd",
              interval: "month",
            },
          ],
        },
      },
      {
        id: "deposit",
        description: "Free, for those who could pay.",
        pricing: { type: "free" },
        requires_payment_method: true,
      },
      {
        id: "free-flag",
        description: "A free name.",
        pricing: { type: "free" },
        operations: { create: { method: "POST", path: "/free-flags" } },
      },
      {
        id: "flag",
        description: "A name, bought for a year.",
        pricing: {
          type: "paid",
          paid: [
            {
              type: "freeform",
              freeform: "$10.44",
              amount: "10.44",
              currency: "usd",
              interval: "year",
              configuration: { extension: "com" },
            },
            {
              type: "freeform",
              freeform: "$60",
              amount: "60.00",
              currency: "usd",
              interval: "year",
              configuration: { extension: "io" },
            },
          ],
        },
        requires_payment_method: true,
        capabilities: { gives: ["domain"], needs: ["account"] },
        operations: {
          check: { method: "POST", path: "/flags/check", body: { name: "{domain}" } },
          create: {
            method: "POST",
            path: "/accounts/{account_id}/flags",
            body: { name: "{domain}" },
            paid: true,
          },
        },
      },
    ],
  });
}
