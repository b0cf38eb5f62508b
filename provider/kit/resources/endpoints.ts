/**
 * `/provisioning/quotes` and `/provisioning/resources`: services that are added through an orchestrator. A request needs both the
 * orchestrator's signature and the account's token. What costs money answers 402 for the amount of the quote that it names.
 */
import { type Request, type RequestHandler, type Response, Router } from "express";
import type { ResourceResponse } from "../../../protocol/index.ts";
import { type Authenticate, requireScope } from "../bearer.ts";
import { ENVELOPES, type Envelope, ProvisioningError, sendError } from "../error.ts";
import type { Scope } from "../scopes.ts";
import { bodyOf, requireGrantee, signerOf } from "../signed-requests.ts";
import type { Quoted, Ware } from "../till.ts";
import { type Change, openChanges } from "./change.ts";
import { type CreateOrder, createResource, linkResource, resourceWare } from "./create.ts";
import { describeResource } from "./describe.ts";
import { openLifecycle } from "./lifecycle.ts";
import type { Call, ResourceParts } from "./parts.ts";
import { quote } from "./quoting.ts";
import { type Renewal, renew, renewalWare } from "./renewal.ts";
import { isOf, type ResourceRecord } from "./store.ts";
import { requirePaid, stopUnpaid } from "./unpaid.ts";

export interface ResourceEndpoints {
  /** The signed-request gate stands before it. */
  readonly router: Router;
  /** Ends what a crash, or a payment that never came, left open. */
  recover(): Promise<void>;
}

export function resourceEndpoints({
  authenticate,
  ...parts
}: ResourceParts & { authenticate: Authenticate }): ResourceEndpoints {
  const { provider, resources, till, now } = parts;
  const lifecycle = openLifecycle(parts);
  const changes = openChanges(parts, lifecycle);

  const enter = async (request: Request, response: Response, needed: Scope): Promise<Call> => {
    const signer = signerOf(response.locals);
    const connection = await authenticate(request, needed);
    requireGrantee(connection, response.locals);
    return { request, signer, connection, body: bodyOf(request) };
  };
  const send = (response: Response, record: ResourceRecord) => {
    const { status, retryAfterSeconds = 5 } = record;
    if (status === "pending" || status === "ordered")
      response.set("Retry-After", String(retryAfterSeconds));
    const body: ResourceResponse = describeResource(record, now());
    response.json(body);
  };
  const endpoint =
    (work: (call: Call) => Promise<object>, envelope: Envelope): RequestHandler =>
    async (request, response) => {
      try {
        response.json(await work(await enter(request, response, "resources:read")));
      } catch (error) {
        sendError(response, error, envelope);
      }
    };
  const ofResource = (work: (call: Call, record: ResourceRecord) => Promise<ResourceRecord>) =>
    (async (request, response) => {
      try {
        const needed = request.method === "GET" ? "resources:read" : "resources:write";
        const call = await enter(request, response, needed);
        send(response, await work(call, find(call)));
      } catch (error) {
        sendError(response, error, ENVELOPES.status);
      }
    }) satisfies RequestHandler;
  /** Does it, or hands it to the till: `work` resolves to what the till is to ask. */
  const sold = <Order>(
    makeWare: (quote: Ware<Order>["quote"]) => Ware<Order>,
    work: (call: Call) => Promise<ResourceRecord | (() => Promise<Quoted<Order>>)>,
  ): RequestHandler => {
    const asked = new WeakMap<Request, () => Promise<Quoted<Order>>>();
    const sell = till.sell(makeWare((request) => asked.get(request)!()));
    return async (request, response, next) => {
      try {
        const call = await enter(request, response, "resources:write");
        const result = await work(call);
        if (typeof result !== "function") return send(response, result);
        requireScope(call.connection, "payments", request, parts.publicUrl);
        asked.set(request, result);
      } catch (error) {
        return sendError(response, error, ENVELOPES.status);
      }
      return sell(request, response, next);
    };
  };
  const find = ({ request, connection }: Call): ResourceRecord => {
    const record = resources.find(String(request.params["id"]));
    // Somebody else's resource is not there at all.
    if (record && isOf(record, connection)) return record;
    throw new ProvisioningError("not_found", {
      problem: "The account has no such resource.",
      nextStep: "Use the id that creating the resource answered.",
    });
  };

  const router = Router();
  const at = "/provisioning/resources";
  router.post(
    "/provisioning/quotes",
    endpoint((call) => quote(call, parts), ENVELOPES.flat),
  );
  router.post(
    at,
    sold<CreateOrder>(
      (ask) => resourceWare(parts, lifecycle, ask),
      (call) => createResource(call, parts, lifecycle),
    ),
  );
  router.post(`${at}/link`, async (request, response) => {
    try {
      const call = await enter(request, response, "resources:write");
      send(response, await linkResource(call, parts, lifecycle));
    } catch (error) {
      sendError(response, error, ENVELOPES.status);
    }
  });
  router.get(
    `${at}/:id`,
    ofResource((_, { id }) => lifecycle.inTurn(id, () => lifecycle.refresh(resources.find(id)!))),
  );
  router.post(
    `${at}/:id/update_service`,
    sold<Change>(
      (ask) => changes.ware(ask),
      (call) => changes.change(call, find(call)),
    ),
  );
  router.post(
    `${at}/:id/renew`,
    sold<Renewal>(
      (ask) => renewalWare(parts, lifecycle, ask),
      (call) => renew(call, find(call), parts, lifecycle),
    ),
  );
  router.post(
    `${at}/:id/rotate_credentials`,
    ofResource((_, { id }) =>
      lifecycle.inTurn(id, async () => {
        const record = resources.find(id)!;
        const rotate = provider.rotate?.[record.serviceId];
        if (!rotate || record.status !== "complete") throw notRotated(rotate !== undefined);
        requirePaid(record);
        const next = await lifecycle.ask(record, rotate);
        resources.save(next);
        return next;
      }),
    ),
  );
  router.post(
    `${at}/:id/remove`,
    ofResource((_, { id }) =>
      lifecycle.inTurn(id, async () => {
        const record = resources.find(id)!;
        if (record.status === "ordered") throw stillPaying();
        if (record.status !== "removed") await lifecycle.withdraw(record);
        return { ...record, status: "removed" };
      }),
    ),
  );
  return {
    router,
    recover: async () => {
      await lifecycle.recover();
      await changes.recover();
      await stopUnpaid(parts, lifecycle);
    },
  };
}

function notRotated(possible: boolean): ProvisioningError {
  return new ProvisioningError(possible ? "invalid_state" : "not_supported", {
    problem: possible
      ? "Only a resource that is complete has credentials to rotate."
      : "This service has no credentials of its own to rotate.",
    nextStep: possible ? "Ask after it first." : "Remove the resource, and add another.",
  });
}

function stillPaying(): ProvisioningError {
  return new ProvisioningError("invalid_state", {
    problem: "The resource's payment is on its way.",
    nextStep: "Ask after the resource until it is complete, then remove it.",
  });
}
