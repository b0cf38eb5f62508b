/**
 * An OpenID Connect issuer of our own for one person on one machine (`oidc-provider`): whoever knows its passcode is that person. It stands
 * in for the issuer that a platform has already, so that the same sign-in can be used where there is none.
 */
import { generateKeyPairSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";
import { escapeHtml } from "../../protocol/index.ts";
import { randomLetters, showLetters } from "../../protocol/letters.ts";
import { page } from "../page.ts";
import type { User } from "../people.ts";

export interface LocalIssuerOptions {
  user: User;
  /** Where the one client's browsers are sent back to; read at each sign-in. */
  redirectUri: () => string;
  /** A free one by default. */
  port?: number;
}

export interface LocalIssuer extends AsyncDisposable {
  readonly url: string;
  readonly clientId: string;
  /** Of this opening; it is tried ten times at most. */
  readonly passcode: string;
}

const CLIENT_ID = "purser";
const MOST_TRIES = 10;

/** Listens on 127.0.0.1; everything it knows is in memory. */
export async function startLocalIssuer({
  user,
  redirectUri,
  port = 0,
}: LocalIssuerOptions): Promise<LocalIssuer> {
  const { default: Library } = await import("oidc-provider");
  const app = express();
  app.disable("x-powered-by");
  const server = app.listen(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve).once("error", reject);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const passcode = randomLetters();
  const { privateKey } = generateKeyPairSync("ed25519");
  const library = new Library(url, {
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "EdDSA", use: "sig" }] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    enabledJWA: { idTokenSigningAlgValues: ["EdDSA"] },
    clientDefaults: { id_token_signed_response_alg: "EdDSA" },
    clients: [],
    adapter: memoryAdapter(() => ({
      client_id: CLIENT_ID,
      client_name: "Purser",
      redirect_uris: [redirectUri()],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code"],
      response_types: ["code"],
    })),
    scopes: ["openid", "email", "profile"],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, userinfo: { enabled: true } },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/sign-in/${uid}` },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({
        sub: user.id,
        email: user.email,
        email_verified: user.emailVerified,
        name: user.name,
      }),
    }),
    // Its one client is the program that runs it.
    loadExistingGrant: async (context: { oidc: { session: { accountId: string } } }) => {
      const { accountId } = context.oidc.session;
      const grant = new library.Grant({ accountId, clientId: CLIENT_ID });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
    ttl: {
      Session: 3600,
      Interaction: 600,
      AuthorizationCode: 60,
      AccessToken: 600,
      IdToken: 600,
      Grant: 3600,
    },
    renderError: (context: { body: unknown }, error: unknown) => {
      context.body = error;
    },
  });
  let tries = 0;
  const ask = (response: Response, problem = "") =>
    page(
      response,
      problem === "" ? 200 : 403,
      "Sign in on this machine",
      `${problem && `<p role="alert">${problem}</p>`}<p>${escapeHtml(user.name)}, ${escapeHtml(user.email)}</p><form method="post"><label>Passcode <input name="passcode" type="password" autocomplete="off" required></label> <button>Sign in</button></form>`,
      new URL(redirectUri()).origin,
    );
  app.get("/sign-in/:uid", async (request, response) => {
    await library.interactionDetails(request, response);
    ask(response);
  });
  app.post(
    "/sign-in/:uid",
    express.urlencoded({ extended: false, limit: "8kb" }),
    async (request, response) => {
      await library.interactionDetails(request, response);
      if (tries >= MOST_TRIES)
        return ask(response, "It was tried too often. Start purser up again for another passcode.");
      tries += 1;
      if (!isPasscode(request, passcode)) return ask(response, "That is not the passcode.");
      tries = 0;
      return library.interactionFinished(request, response, { login: { accountId: user.id } });
    },
  );
  app.use(async (request, response) => library.callback()(request, response));
  app.use((_error: unknown, _request: Request, response: Response, _next: express.NextFunction) => {
    page(response, 400, "This sign-in is over", "<p>Begin again where you came from.</p>");
  });
  return {
    url,
    clientId: CLIENT_ID,
    passcode: showLetters(passcode),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isPasscode(request: Request, passcode: string): boolean {
  const { passcode: given } = (request.body ?? {}) as { passcode?: unknown };
  const letters = typeof given === "string" ? given.toUpperCase().replaceAll(/[^A-Z]/g, "") : "";
  const [wanted, sent] = [Buffer.from(passcode), Buffer.from(letters)];
  return wanted.length === sent.length && timingSafeEqual(wanted, sent);
}

/** What `oidc-provider` keeps, in memory; the one client is made anew each time, because where it listens is known late. */
function memoryAdapter(client: () => object) {
  const kept = new Map<string, Record<string, unknown>>();
  return (model: string) => ({
    upsert: async (id: string, payload: Record<string, unknown>) => {
      if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value ?? "");
      kept.set(`${model} ${id}`, payload);
    },
    find: async (id: string) =>
      model === "Client" ? (id === CLIENT_ID ? client() : undefined) : kept.get(`${model} ${id}`),
    findByUid: async (uid: string) =>
      [...kept].find(([key, { uid: own }]) => key.startsWith(`${model} `) && own === uid)?.[1],
    findByUserCode: async () => undefined,
    consume: async (id: string) => {
      const payload = kept.get(`${model} ${id}`);
      if (payload) payload["consumed"] = Math.floor(Date.now() / 1000);
    },
    destroy: async (id: string) => void kept.delete(`${model} ${id}`),
    revokeByGrantId: async (grantId: string) => {
      for (const [key, payload] of kept) if (payload["grantId"] === grantId) kept.delete(key);
    },
  });
}

const MOST_KEPT = 1000;
