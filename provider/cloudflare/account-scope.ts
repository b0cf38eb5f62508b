/**
 * The first gate of every v4 endpoint: a token that holds, and, where the path names an account, a token of that very account.
 */
import type { Request, RequestHandler } from "express";
import type { Authenticate } from "../kit/bearer.ts";
import type { Connection } from "../kit/connections.ts";
import { CloudflareError } from "./error.ts";

/** Lets the request through and remembers its connection for `connectionOf`. */
export function authenticated(authenticate: Authenticate): RequestHandler {
  return async (request, response, next) => {
    response.locals["connection"] = await authenticate(request);
    next();
  };
}

/** For paths below `/accounts/:account`. */
export const ownAccountOnly: RequestHandler = (request, _response, next) => {
  const { accountId } = connectionOf(request);
  if (request.params["account"] === accountId) return next();
  throw new CloudflareError("FORBIDDEN", {
    problem: "The token was not granted for this account.",
    nextStep: "Use the account id of your connection.",
  });
};

/** Who calls; only behind `authenticated`. */
export function connectionOf(request: Request): Connection {
  return request.res?.locals["connection"] as Connection;
}

/** A part of the path that the route names. */
export function param(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === "string" ? value : "";
}
