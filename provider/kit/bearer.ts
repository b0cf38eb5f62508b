/**
 * Who calls a provider's own API: the connection that the request's access token stands for. A token that is bound to a key counts
 * only with a proof of that key (RFC 9449); one that is not is a bearer token.
 */
import type { Request } from "express";
import type { Connection, Connections } from "./connections.ts";
import { type ProofOptions, proofOf } from "./dpop.ts";
import { ProvisioningError } from "./error.ts";
import { bearerChallenge } from "./oauth-metadata.ts";
import type { OAuth } from "./oauth.ts";
import { covers, DEFAULT_SCOPE, type Scope } from "./scopes.ts";

/** Resolves to the connection of the request's token, or throws `unauthorized`, or `insufficient_scope` where it may not do this. */
export type Authenticate = (request: Request, needed?: Scope) => Promise<Connection>;

export function bearerAuthentication({
  oauth,
  connections,
  publicUrl,
  ...proofs
}: ProofOptions & { oauth: OAuth; connections: Connections }): Authenticate {
  const find = async (request: Request): Promise<Connection | undefined> => {
    const [, scheme = "", value] =
      /^(Bearer|DPoP) ([\w.~+/=-]{1,8192})$/i.exec(request.get("authorization") ?? "") ?? [];
    const token = value === undefined ? undefined : await oauth.findToken(value);
    if (!token) return undefined;
    const bound = token.jkt !== undefined;
    // A bound token whose proof is missing is a stolen one.
    if (bound !== (scheme.toLowerCase() === "dpop")) return undefined;
    if (bound && (await proofOf(request, { publicUrl, ...proofs }, value)) !== token.jkt)
      return undefined;
    const connection = connections.find(token.grantId);
    return connection && { ...connection, scope: token.scope };
  };
  return async (request, needed = DEFAULT_SCOPE) => {
    const connection = await find(request);
    if (!connection) {
      request.res?.set("WWW-Authenticate", bearerChallenge(publicUrl));
      throw new ProvisioningError("unauthorized", {
        problem: "The request has no access token that holds here.",
        nextStep:
          "Send Authorization: Bearer with the token of the account; refresh it if it has expired.",
      });
    }
    requireScope(connection, needed, request, publicUrl);
    return connection;
  };
}

/** Throws `insufficient_scope` where the connection's token may not do this. */
export function requireScope(
  connection: Connection,
  needed: Scope,
  request: Request,
  publicUrl: string,
): void {
  if (covers(connection.scope, needed)) return;
  const challenge = `${bearerChallenge(publicUrl)}, error="insufficient_scope", scope="${needed}"`;
  request.res?.set("WWW-Authenticate", challenge);
  throw new ProvisioningError("insufficient_scope", {
    problem: `The token may do "${connection.scope}", and this needs "${needed}".`,
    nextStep: "Ask the account's owner to consent to it, with an account request that names it.",
  });
}
