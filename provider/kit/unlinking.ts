/**
 * `POST /provisioning/unlink`: an orchestrator gives up what a project's agent was let in for, or, without an agent, the project's whole
 * link. Its tokens end; what no other project of the same user still uses is forgotten, so that a later request asks the account's owner
 * again. What was provided stays the account's. (APP 0.1d has no such thing; `connections:unlink` among the capabilities says that it is here.)
 */
import { Router } from "express";
import { z } from "zod";
import type { Database } from "../../store/index.ts";
import type { Accounts } from "./accounts.ts";
import type { Authenticate } from "./bearer.ts";
import type { Connection, Connections } from "./connections.ts";
import type { Consents } from "./consents.ts";
import { ENVELOPES, sendError } from "./error.ts";
import type { OAuth } from "./oauth.ts";
import { readBody } from "./resources/order.ts";
import { bodyOf, requireGrantee } from "./signed-requests.ts";

export interface UnlinkingOptions {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly connections: Connections;
  readonly consents: Consents;
  readonly oauth: OAuth;
  readonly authenticate: Authenticate;
}

const Unlink = z.looseObject({ agent: z.string().min(1).max(100).optional() });

/** The signed-request gate stands before it. */
export function unlinking(options: UnlinkingOptions): Router {
  const router = Router();
  router.post("/provisioning/unlink", async (request, response) => {
    try {
      const connection = await options.authenticate(request, "resources:read");
      requireGrantee(connection, response.locals);
      const { agent } = readBody(Unlink, bodyOf(request));
      const ended = options.database.transaction(() => forget(connection, agent, options));
      for (const { id } of ended) await options.oauth.revoke(id);
      response.json({ status: "unlinked" });
    } catch (error) {
      sendError(response, error, ENVELOPES.flat);
    }
  });
  return router;
}

function forget(
  { accountId, issuer, subject, project }: Connection,
  agent: string | undefined,
  { accounts, connections, consents }: UnlinkingOptions,
): Connection[] {
  const user = { accountId, issuer, subject };
  const all = connections.listOfUser(user);
  const isOver = (one: Connection) =>
    one.project === project && (agent === undefined || one.agent === agent);
  const over = all.filter(isOver);
  const left = all.filter((one) => !isOver(one));
  for (const { id } of over) connections.remove(id);
  for (const consent of consents.list(accountId)) {
    const isTheirs = consent.issuer === issuer && consent.subject === subject;
    const asked = agent === undefined || consent.agent === agent;
    const used = left.some((one) => one.agent === consent.agent);
    if (isTheirs && asked && !used) consents.take(consent.id, accountId);
  }
  if (agent === undefined && left.length === 0) accounts.unlink({ issuer, subject });
  return over;
}
