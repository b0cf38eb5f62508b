/**
 * What anyone may read: the public keys that this orchestrator signs with, in APP's shape and as a JWK set, and the page on which a
 * browser lands that comes back from a provider's consent page. That page does nothing: whether its owner has consented the provider
 * tells the orchestrator itself, so a forged return leads nowhere.
 */
import { Router } from "express";
import type { SigningKeys } from "./signing-keys.ts";

const CONSENTED = landing(
  "Done here",
  "You have consented. Close this page and go back to your agent; where it asks whether you have, accept.",
);
const DECLINED = landing(
  "Nothing was linked",
  "You have not consented. Close this page and go back to your agent; where it asks whether you have, decline.",
);

function landing(title: string, text: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>`;
}

export function publicApi(keys: SigningKeys): Router {
  const router = Router();
  router.get("/v2/provisioning/public_keys", (_request, response) => {
    response.json({ public_keys: keys.published() });
  });
  router.get("/.well-known/jwks.json", (_request, response) => {
    response.json(keys.jwks());
  });
  router.get("/oauth/callback", (request, response) => {
    const declined = request.query["error"] !== undefined;
    response
      .set({ "Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store" })
      .send(declined ? DECLINED : CONSENTED);
  });
  return router;
}
