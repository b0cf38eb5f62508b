/**
 * `POST /oauth/token` of a counterpart that signs by HMAC alone: it names no client and has no PKCE, and its signature is what says who
 * asks. Here the signature is checked and the request goes on as that client's, with a secret that never leaves this process; so a code
 * or a refresh token of that client is of no use to whoever cannot sign.
 */
import { randomBytes } from "node:crypto";
import express, { Router } from "express";
import { HMAC_HEADER } from "../../protocol/index.ts";
import { ENVELOPES, sendError } from "./error.ts";
import type { Settings } from "./settings.ts";
import { unnamedSigner } from "./signed-requests.ts";
import type { Trust } from "./trust.ts";

export function plainTokenRequests({
  trust,
  settings,
  now,
}: {
  trust: Trust;
  settings: Settings;
  now: () => number;
}): Router {
  const router = Router();
  const read = express.text({ type: () => true, limit: "64kb" });
  router.post("/oauth/token", (request, response, next) => {
    if (request.get(HMAC_HEADER) === undefined) return next();
    return read(request, response, (error?: unknown) => {
      if (error !== undefined) return next(error);
      try {
        const body = typeof request.body === "string" ? request.body : "";
        const { clientId } = unnamedSigner(request, body, { trust, now });
        const form = new URLSearchParams(body);
        form.set("client_id", clientId);
        form.set("client_secret", plainClientSecret(settings));
        request.body = Object.fromEntries(form);
      } catch (error) {
        return sendError(response, error, ENVELOPES.flat);
      }
      return next();
    });
  });
  return router;
}

export function plainClientSecret(settings: Settings): string {
  return settings.once("plain-client-secret", () => randomBytes(32).toString("base64url"));
}
