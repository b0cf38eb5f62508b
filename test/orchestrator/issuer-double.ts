/** An OpenID Connect issuer that signs everybody in as one user without a question, checks PKCE, and lies as a test tells it to. */
import { createHash, randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import express, { type Request } from "express";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export interface IssuerDouble extends AsyncDisposable {
  url: string;
  /** What it says of the user; changed at any time. */
  user: { sub: string; email?: string; email_verified: boolean; name: string };
  manners: {
    claims?: Record<string, unknown>;
    /** Changes what the browser brings back. */
    back?: (query: URLSearchParams) => void;
    foreignKey?: boolean;
    /** Says user's e-mail at the userinfo endpoint alone. */
    userinfo?: boolean;
  };
}

export const CLIENT_ID = "purser-test";

export async function startIssuerDouble(): Promise<IssuerDouble> {
  const [own, foreign] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
  const codes = new Map<string, { challenge: string; nonce: string; redirectUri: string }>();
  const app = express();
  const double = {
    user: { sub: "u1", email: "ada@example.com", email_verified: true, name: "Ada" },
    manners: {} as IssuerDouble["manners"],
  };
  app.use(express.urlencoded({ extended: false }));
  app.get("/.well-known/openid-configuration", (_request, response) => {
    response.json({
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      userinfo_endpoint: `${url}/userinfo`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      code_challenge_methods_supported: ["S256"],
    });
  });
  app.get("/jwks", async (_request, response) => {
    response.json({ keys: [{ ...(await exportJWK(own.publicKey)), kid: "k", alg: "ES256" }] });
  });
  app.get("/authorize", (request, response) => {
    const asked = (name: string) => text(request.query[name]);
    const code = randomUUID();
    const redirectUri = asked("redirect_uri");
    codes.set(code, { challenge: asked("code_challenge"), nonce: asked("nonce"), redirectUri });
    const back = new URL(redirectUri);
    back.searchParams.set("code", code);
    back.searchParams.set("state", asked("state"));
    double.manners.back?.(back.searchParams);
    response.redirect(back.href);
  });
  app.post("/token", async (request, response) => {
    const form = request.body as Record<string, string>;
    const code = codes.get(form["code"] ?? "");
    codes.delete(form["code"] ?? "");
    const challenge = createHash("sha256")
      .update(form["code_verifier"] ?? "")
      .digest("base64url");
    const known = form["client_id"] === CLIENT_ID && form["redirect_uri"] === code?.redirectUri;
    if (code?.challenge !== challenge || !known) {
      response.status(400).json({ error: "invalid_grant" });
      return;
    }
    const { sub, ...facts } = double.user;
    const said = double.manners.userinfo === true ? {} : facts;
    const key = double.manners.foreignKey === true ? foreign.privateKey : own.privateKey;
    const time = Math.floor(Date.now() / 1000);
    const claims = { iss: url, aud: CLIENT_ID, sub, iat: time, exp: time + 60, nonce: code.nonce };
    const id_token = await new SignJWT({ ...claims, ...said, ...double.manners.claims })
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .sign(key);
    response.json({ token_type: "Bearer", access_token: "at", expires_in: 60, id_token });
  });
  app.get("/userinfo", (_request: Request, response) => void response.json(double.user));
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...double,
    user: double.user,
    manners: double.manners,
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
