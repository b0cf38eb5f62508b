/** What anyone may read: the public keys that this orchestrator signs with, in APP's shape and as a JWK set. */
import { Router } from "express";
import type { SigningKeys } from "./signing-keys.ts";

export function publicApi(keys: SigningKeys): Router {
  const router = Router();
  router.get("/v2/provisioning/public_keys", (_request, response) => {
    response.json({ public_keys: keys.published() });
  });
  router.get("/.well-known/jwks.json", (_request, response) => {
    response.json(keys.jwks());
  });
  return router;
}
