/**
 * `/provisioning/resources`: services that are added through an orchestrator. A request needs both the orchestrator's signature
 * and the account's token. The idempotency key decides what is the same request: it gets the same answer, also after a crash,
 * and is never done twice; with another body it is refused.
 */
import { createHash } from "node:crypto";
import { type Request, type Response, Router } from "express";
import {
  digestOf,
  type ResourceRequest,
  type ResourceResponse,
  type Service,
} from "../../protocol/index.ts";
import { readMandate } from "./account-requests.ts";
import type { Authenticate } from "./bearer.ts";
import type { Connection, Connections } from "./connections.ts";
import type { OpenedProvider } from "./definition.ts";
import { ENVELOPES, ProvisioningError, sendError } from "./error.ts";
import { checkService, keyConflict, readKey, readOrder } from "./resource-order.ts";
import type { ResourceRecord, Resources } from "./resource-store.ts";
import { bodyOf, signerOf } from "./signed-requests.ts";
import type { TrustedIssuer } from "./trust.ts";

export interface ResourceEndpointsOptions {
  providerId: string;
  services: readonly Service[];
  provider: OpenedProvider;
  authenticate: Authenticate;
  connections: Connections;
  resources: Resources;
  now: () => number;
}

/** The endpoints; the signed-request gate stands before them. */
export function resourceEndpoints(options: ResourceEndpointsOptions): Router {
  const router = Router();
  const running = new Map<string, Promise<ResourceRecord>>();
  const endpoint =
    (work: (call: Call) => Promise<ResourceResponse>) =>
    async (request: Request, response: Response) => {
      try {
        const signer = signerOf(response.locals);
        const connection = await options.authenticate(request);
        if (connection.issuer !== signer.issuer) throw foreignToken();
        response.json(await work({ request, signer, connection }));
      } catch (error) {
        sendError(response, error, ENVELOPES.status);
      }
    };
  const notBuilt = endpoint(async () => {
    throw new ProvisioningError("not_built", {
      problem: "Changing a resource's service and rotating its credentials are not built yet.",
      nextStep: "Remove the resource, and add another.",
    });
  });
  router.post(
    "/provisioning/resources",
    endpoint((call) => create(call, options, running)),
  );
  router.get(
    "/provisioning/resources/:id",
    endpoint(async (call) => describe(find(call, options))),
  );
  router.post(
    "/provisioning/resources/:id/remove",
    endpoint((call) => remove(call, options)),
  );
  router.post("/provisioning/resources/:id/update_service", notBuilt);
  router.post("/provisioning/resources/:id/rotate_credentials", notBuilt);
  return router;
}

interface Call {
  request: Request;
  signer: TrustedIssuer;
  connection: Connection;
}

async function create(
  { request, signer, connection }: Call,
  options: ResourceEndpointsOptions,
  running: Map<string, Promise<ResourceRecord>>,
): Promise<ResourceResponse> {
  const key = readKey(request);
  const order = readOrder(bodyOf(request));
  await renewMandate(order.mandate, signer, connection, options);
  const id = `res_${hashOf([connection.accountId, connection.project, key])}`;
  const fingerprint = digestOf(JSON.stringify([order.service_id, order.configuration]));
  const known = options.resources.find(id);
  if (known && known.fingerprint !== fingerprint) throw keyConflict();
  if (known) return describe(known);
  checkService(order, options);

  // Copies that arrive while the first is at work wait for it.
  const job = running.get(id) ?? provide({ id, fingerprint, order, connection }, options);
  running.set(id, job);
  try {
    const record = await job;
    if (record.fingerprint !== fingerprint) throw keyConflict();
    return describe(record);
  } finally {
    running.delete(id);
  }
}

async function provide(
  {
    id,
    fingerprint,
    order,
    connection,
  }: { id: string; fingerprint: string; order: ResourceRequest; connection: Connection },
  { provider, resources, now }: ResourceEndpointsOptions,
): Promise<ResourceRecord> {
  const { service_id: serviceId, configuration } = order;
  const { accountId, project } = connection;
  const access = await provider.provide[serviceId]!({ id, accountId, configuration });
  const record: ResourceRecord = {
    id,
    accountId,
    project,
    serviceId,
    fingerprint,
    configuration,
    access,
    status: "complete",
    createdAt: now(),
  };
  resources.add(record);
  return record;
}

async function remove(call: Call, options: ResourceEndpointsOptions): Promise<ResourceResponse> {
  const record = find(call, options);
  if (record.status === "complete") {
    const { id, accountId, configuration, serviceId } = record;
    await options.provider.withdraw?.[serviceId]?.({ id, accountId, configuration });
    options.resources.markRemoved(id);
  }
  return { status: "removed", id: record.id };
}

function find({ request, connection }: Call, { resources }: ResourceEndpointsOptions) {
  const record = resources.find(String(request.params["id"]));
  // Somebody else's resource is not there at all.
  if (record?.accountId === connection.accountId && record.project === connection.project) {
    return record;
  }
  throw new ProvisioningError("not_found", {
    problem: "The account has no such resource.",
    nextStep: "Use the id that creating the resource answered.",
  });
}

function describe({ id, serviceId, status, access }: ResourceRecord): ResourceResponse {
  if (status === "removed") return { status, id };
  return { status, id, service_id: serviceId, complete: { access_configuration: access } };
}

async function renewMandate(
  mandate: string | undefined,
  signer: TrustedIssuer,
  { accountId, project }: Connection,
  options: ResourceEndpointsOptions,
): Promise<void> {
  if (mandate === undefined) return;
  const claims = await readMandate(mandate, signer, options);
  if (claims.sub !== project) {
    throw new ProvisioningError("mandate_invalid", {
      problem: "The mandate is another project's than the token.",
      nextStep: "Send the mandate of the project that the token was granted for.",
    });
  }
  options.connections.renewMandate(accountId, claims);
}

function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

function foreignToken(): ProvisioningError {
  return new ProvisioningError("forbidden", {
    problem: "The token was granted to another orchestrator than the one that signed.",
    nextStep: "Sign with the key of the orchestrator that the token belongs to.",
  });
}
