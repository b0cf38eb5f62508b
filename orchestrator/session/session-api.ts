/**
 * The calls of `protocol/session-api.ts` over HTTP. A call goes through in this order: whose session or run it is, whether a run may make
 * it, the body's size and shape, whose project it is, then the work. Another person's project, and to a run any other, is not there at all.
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
import { type Caller, sessionOf } from "./caller.ts";
import type { Session } from "../sessions.ts";

const ServicesQuery = z.object({
  provider: z.string().max(50).optional(),
  category: z.string().max(50).optional(),
  query: z.string().max(200).optional(),
});
const EnvQuery = ServicesQuery.pick({ provider: true });

/** Answers its own calls, and hands on what only a run asks. */
export function sessionApi(desk: SessionDesk): Router {
  const router = Router();
  const gate: RequestHandler[] = [
    async (request, response, next) => {
      response.locals["caller"] = await desk.authenticate(request);
      response.set("cache-control", "no-store");
      next();
    },
    express.json({ limit: BODY_LIMIT, type: () => true }),
  ];
  /** A call that a run may make as well. */
  const onAll = (method: Method, path: string, call: Call<Caller>) => {
    router[method](path, ...gate, async (request, response) => {
      const caller = response.locals["caller"] as Caller;
      const id = (name: string) => param(request.params, name);
      send(response, await call({ caller, request, id, body: request.body as unknown }));
    });
  };
  /** A call of a person's own program alone, as every call is that does not say otherwise. */
  const on = (method: Method, path: string, call: Call<Session>) =>
    onAll(method, path, ({ caller, ...rest }) => call({ caller: sessionOf(caller), ...rest }));
  const inProject = (method: Method, path: string, call: ProjectCall<Session>) =>
    on(method, `/projects/:project${path}`, (details) =>
      call(desk.projects.find(details.caller, details.id("project")), details),
    );
  const inProjectOfAll = (method: Method, path: string, call: ProjectCall<Caller>) =>
    onAll(method, `/projects/:project${path}`, (details) =>
      call(desk.projects.find(details.caller, details.id("project")), details),
    );

  on("get", "/session", ({ caller }) => desk.view(caller));
  on("delete", "/session", ({ caller }) => desk.end(caller));
  on("get", "/services", ({ caller, request }) =>
    desk.providers.services(caller, read(ServicesQuery, request.query)),
  );
  on("get", "/providers", () => desk.providers.list());
  on("post", "/providers", ({ caller, body }) =>
    desk.providers.add(caller, read(ProviderAddress, body).url),
  );
  on("delete", "/providers/:id", ({ caller, id }) => desk.providers.remove(caller, id("id")));
  on("get", "/providers/:id/llm-context", ({ id }) => desk.providers.llmContext(id("id")));
  onAll("get", "/catalog", ({ caller }) => desk.providers.catalog(caller));
  onAll("get", "/projects", ({ caller }) => desk.projects.list(caller));
  on("post", "/projects", ({ caller, body }) =>
    desk.projects.create(caller, read(ProjectOrder, body)),
  );

  inProjectOfAll("get", "", (project, { caller }) => desk.projects.status(project, caller));
  inProject("put", "/caps/:provider", (project, { id, body }) =>
    desk.projects.setCap(project, id("provider"), read(CapOrder, body).amount),
  );
  inProject("get", "/spend", (project) => desk.projects.spend(project));
  inProject("post", "/runs", (project, { caller, body }) =>
    desk.projects.startRun(project, caller, read(RunGrant, body)),
  );
  inProjectOfAll("post", "/connections", (project, { caller, body }) =>
    desk.accounts.connect(project, caller, read(ConnectionOrder, body)),
  );
  inProjectOfAll("get", "/connections", (project, { caller }) =>
    desk.accounts.connections(project, caller),
  );
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
  inProject("post", "/quotes", (project, { caller, body }) =>
    desk.resources.quote(project, caller, read(QuoteOrder, body)),
  );
  inProjectOfAll("post", "/resources", (project, { caller, body }) =>
    desk.resources.add(project, caller, read(AddOrder, body)),
  );
  inProjectOfAll("get", "/resources", (project, { caller }) =>
    desk.resources.list(project, caller),
  );
  inProject("post", "/resources/link", (project, { caller, body }) =>
    desk.resources.link(project, caller, read(LinkOrder, body)),
  );
  inProjectOfAll("get", "/resources/:id", (project, { caller, id }) =>
    desk.resources.find(project, caller, id("id")),
  );
  inProject("post", "/resources/:id/update", (project, { caller, id, body }) =>
    desk.resources.update(project, caller, id("id"), read(UpdateOrder, body)),
  );
  inProject("post", "/resources/:id/rotate", (project, { caller, id, body }) =>
    desk.resources.rotate(project, caller, id("id"), read(RotateOrder, body)),
  );
  inProject("post", "/resources/:id/renew", (project, { caller, id, body }) =>
    desk.resources.renew(project, caller, id("id"), read(RenewOrder, body)),
  );
  inProject("post", "/resources/:id/remove", (project, { caller, id, body }) =>
    desk.resources.remove(project, caller, id("id"), read(RemoveOrder, body)),
  );
  inProject("post", "/resources/:id/information", (project, { caller, id, body }) =>
    desk.resources.submitInformation(project, caller, id("id"), read(InformationOrder, body)),
  );
  inProject("get", "/resources/:id/access", (project, { caller, id }) =>
    desk.secrets.access(project, caller, id("id")),
  );
  inProject("get", "/env", (project, { request }) =>
    desk.secrets.env(project, read(EnvQuery, request.query).provider),
  );
  inProject("get", "/variables", (project) => desk.secrets.variables(project));
  inProject("get", "/variables/:name", (project, { caller, id }) =>
    desk.secrets.variable(project, caller, id("name")),
  );
  inProject("put", "/variables/:name", (project, { id, body }) =>
    desk.secrets.setVariable(project, read(VariableName, id("name")), read(VariableOrder, body)),
  );
  inProject("delete", "/variables/:name", (project, { id }) =>
    desk.secrets.deleteVariable(project, id("name")),
  );
  inProject("get", "/secret-reads", (project) => desk.secrets.secretReads(project));
  inProject("post", "/deep_links", (project, { caller, body }) =>
    desk.accounts.deepLink(project, caller, read(DeepLinkOrder, body)),
  );
  router.use(sendError);
  return router;
}

type Method = "get" | "post" | "put" | "delete";
interface Details<Who> {
  caller: Who;
  request: Request;
  id: (name: string) => string;
  body: unknown;
}
type Call<Who> = (details: Details<Who>) => unknown;
type ProjectCall<Who> = (project: string, details: Details<Who>) => unknown;
