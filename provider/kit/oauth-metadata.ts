/**
 * Where a client that meets a 401 learns which authorization server to ask (RFC 9728), and that server's metadata under the
 * name that OAuth clients look for (RFC 8414), beside the one of OpenID.
 */
import { Router } from "express";

const PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource";

/** Mount it before the authorization server, which answers for the address that the second route leads to. */
export function oauthMetadata(publicUrl: string, scopes: readonly string[]): Router {
  const router = Router();
  router.get(PROTECTED_RESOURCE, (_, response) => {
    response.json({
      resource: publicUrl,
      authorization_servers: [publicUrl],
      bearer_methods_supported: ["header"],
      scopes_supported: scopes,
    });
  });
  router.get("/.well-known/oauth-authorization-server", (request, _response, next) => {
    request.url = "/.well-known/openid-configuration";
    next();
  });
  return router;
}

/** The value of `WWW-Authenticate` beside a 401. */
export function bearerChallenge(publicUrl: string): string {
  return `Bearer resource_metadata="${publicUrl}${PROTECTED_RESOURCE}"`;
}
