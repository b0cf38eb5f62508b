/** Who calls a provider's own API: the connection that the request's bearer token stands for. */
import type { Request } from "express";
import type { Connection, Connections } from "./connections.ts";
import { ProvisioningError } from "./error.ts";
import { bearerChallenge } from "./oauth-metadata.ts";
import type { OAuth } from "./oauth.ts";

/** Resolves to the connection of the request's token, or throws `unauthorized`. */
export type Authenticate = (request: Request) => Promise<Connection>;

export function bearerAuthentication({
  oauth,
  connections,
  publicUrl,
}: {
  oauth: OAuth;
  connections: Connections;
  publicUrl: string;
}): Authenticate {
  return async (request) => {
    const [, token] =
      /^Bearer ([\w.~+/=-]{1,8192})$/i.exec(request.get("authorization") ?? "") ?? [];
    const id = token === undefined ? undefined : await oauth.findConnectionId(token);
    const connection = id === undefined ? undefined : connections.find(id);
    if (connection) return connection;
    request.res?.set("WWW-Authenticate", bearerChallenge(publicUrl));
    throw new ProvisioningError("unauthorized", {
      problem: "The request has no access token that holds here.",
      nextStep:
        "Send Authorization: Bearer with the token of the account; refresh it if it has expired.",
    });
  };
}
