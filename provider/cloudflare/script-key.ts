/** Which Worker a request of the v4 API is about: the caller's account, and a name that can be part of a hostname. */
import type { Request } from "express";
import { connectionOf, param } from "./account-scope.ts";
import { CloudflareError } from "./error.ts";
import type { ScriptKey } from "./workers.ts";

const SCRIPT_NAME = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/i;

/** Reads the path's `:name`, or throws `SCRIPT_NAME_INVALID`. */
export function scriptKey(request: Request): ScriptKey {
  const name = param(request, "name");
  if (SCRIPT_NAME.test(name)) return { accountId: connectionOf(request).accountId, name };
  throw new CloudflareError("SCRIPT_NAME_INVALID", {
    problem: `"${name.slice(0, 100)}" cannot be a Worker's name.`,
    nextStep: "Use up to 63 letters, digits and dashes.",
  });
}
