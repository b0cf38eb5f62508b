/**
 * The calls of `protocol/session-api.ts` over HTTP. A call goes through in this order: whose session it is, the body's size and
 * shape, whose project it is, then the work. Another person's project is not there at all.
 */
import express, { type Request, type RequestHandler, Router } from "express";
import { z } from "zod";
import {
  AddOrder,
  CapOrder,
  ConnectionOrder,
  ConsentOrder,
  DeepLinkOrder,
  InformationOrder,
  LinkOrder,
  ProjectOrder,
  ProviderAddress,
  QuoteOrder,
  RemoveOrder,
  RenewOrder,
  RotateOrder,
  RunGrant,
  UpdateOrder,
  VariableName,
  VariableOrder,
} from "../../protocol/index.ts";
import { BODY_LIMIT, param, read, send, sendError } from "../http.ts";
import type { SessionDesk } from "./session-desk.ts";
import type { Session } from "../sessions.ts";

const ServicesQuery = z.object({
  provider: z.string().max(50).optional(),
  category: z.string().max(50).optional(),
  query: z.string().max(200).optional(),
});
const EnvQuery = ServicesQuery.pick({ provider: true });

/** Answers its own calls, and hands on what is a run's. */
export function sessionApi(desk: SessionDesk): Router {
  const router = Router();
  const gate: RequestHandler[] = [
    async (request, response, next) => {
      response.locals["session"] = await desk.authenticate(request);
      response.set("cache-control", "no-store");
      next();
    },
    express.json({ limit: BODY_LIMIT, type: () => true }),
  ];
  const on = (method: "get" | "post" | "put" | "delete", path: string, call: Call) => {
    router[method](path, ...gate, async (request, response) => {
      const session = response.locals["session"] as Session;
      const id = (name: string) => param(request.params, name);
      send(response, await call({ session, request, id, body: request.body as unknown }));
    });
  };
  /** A call in a project of the session's person. */
  const inProject = (
    method: "get" | "post" | "put" | "delete",
    path: string,
    call: (project: string, details: Details) => unknown,
  ) =>
    on(method, `/projects/:project${path}`, (details) =>
      call(desk.projects.find(details.session, details.id("project")), details),
    );

  on("get", "/session", ({ session }) => desk.view(session));
  on("delete", "/session", ({ session }) => desk.end(session));
  on("get", "/services", ({ session, request }) =>
    desk.providers.services(session, read(ServicesQuery, request.query)),
  );
  on("get", "/providers", () => desk.providers.list());
  on("post", "/providers", ({ session, body }) =>
    desk.providers.add(session, read(ProviderAddress, body).url),
  );
  on("delete", "/providers/:id", ({ session, id }) => desk.providers.remove(session, id("id")));
  on("get", "/providers/:id/llm-context", ({ id }) => desk.providers.llmContext(id("id")));
  on("get", "/projects", ({ session }) => desk.projects.list(session));
  on("post", "/projects", ({ session, body }) =>
    desk.projects.create(session, read(ProjectOrder, body)),
  );

  inProject("get", "", (project) => desk.projects.status(project));
  inProject("put", "/caps/:provider", (project, { id, body }) =>
    desk.projects.setCap(project, id("provider"), read(CapOrder, body).amount),
  );
  inProject("get", "/spend", (project) => desk.projects.spend(project));
  inProject("post", "/runs", (project, { session, body }) =>
    desk.projects.startRun(project, session, read(RunGrant, body)),
  );
  inProject("post", "/connections", (project, { session, body }) =>
    desk.accounts.connect(project, session, read(ConnectionOrder, body)),
  );
  inProject("get", "/connections", (project) => desk.accounts.connections(project));
  inProject("delete", "/connections/:provider", (project, { id }) =>
    desk.accounts.unlink(project, id("provider")),
  );
  inProject("get", "/consents", (project) => desk.accounts.consents(project));
  inProject("post", "/consents", (project, { body }) =>
    desk.accounts.grantConsent(project, read(ConsentOrder, body)),
  );
  inProject("delete", "/consents/:id", (project, { id }) =>
    desk.accounts.revokeConsent(project, id("id")),
  );
  inProject("post", "/preflight", (project, { body }) =>
    desk.resources.preflight(project, read(AddOrder, body)),
  );
  inProject("post", "/quotes", (project, { session, body }) =>
    desk.resources.quote(project, session, read(QuoteOrder, body)),
  );
  inProject("post", "/resources", (project, { session, body }) =>
    desk.resources.add(project, session, read(AddOrder, body)),
  );
  inProject("get", "/resources", (project) => desk.resources.list(project));
  inProject("post", "/resources/link", (project, { session, body }) =>
    desk.resources.link(project, session, read(LinkOrder, body)),
  );
  inProject("get", "/resources/:id", (project, { session, id }) =>
    desk.resources.find(project, session, id("id")),
  );
  inProject("post", "/resources/:id/update", (project, { session, id, body }) =>
    desk.resources.update(project, session, id("id"), read(UpdateOrder, body)),
  );
  inProject("post", "/resources/:id/rotate", (project, { session, id, body }) =>
    desk.resources.rotate(project, session, id("id"), read(RotateOrder, body)),
  );
  inProject("post", "/resources/:id/renew", (project, { session, id, body }) =>
    desk.resources.renew(project, session, id("id"), read(RenewOrder, body)),
  );
  inProject("post", "/resources/:id/remove", (project, { session, id, body }) =>
    desk.resources.remove(project, session, id("id"), read(RemoveOrder, body)),
  );
  inProject("post", "/resources/:id/information", (project, { session, id, body }) =>
    desk.resources.submitInformation(project, session, id("id"), read(InformationOrder, body)),
  );
  inProject("get", "/resources/:id/access", (project, { session, id }) =>
    desk.secrets.access(project, session, id("id")),
  );
  inProject("get", "/env", (project, { request }) =>
    desk.secrets.env(project, read(EnvQuery, request.query).provider),
  );
  inProject("get", "/variables", (project) => desk.secrets.variables(project));
  inProject("get", "/variables/:name", (project, { session, id }) =>
    desk.secrets.variable(project, session, id("name")),
  );
  inProject("put", "/variables/:name", (project, { id, body }) =>
    desk.secrets.setVariable(project, read(VariableName, id("name")), read(VariableOrder, body)),
  );
  inProject("delete", "/variables/:name", (project, { id }) =>
    desk.secrets.deleteVariable(project, id("name")),
  );
  inProject("get", "/secret-reads", (project) => desk.secrets.secretReads(project));
  inProject("post", "/deep_links", (project, { session, body }) =>
    desk.accounts.deepLink(project, session, read(DeepLinkOrder, body)),
  );
  router.use(sendError);
  return router;
}

interface Details {
  session: Session;
  request: Request;
  id: (name: string) => string;
  body: unknown;
}
type Call = (details: Details) => unknown;
