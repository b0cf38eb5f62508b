/** What an orchestrator may order as a resource, and under which key: everything that is refused before anything is done. */
import type { Request } from "express";
import { z } from "zod";
import { ResourceRequest, type Service } from "../../protocol/index.ts";
import { parseJson } from "./account-requests.ts";
import type { OpenedProvider } from "./definition.ts";
import { ProvisioningError } from "./error.ts";

/** The request's idempotency key, or `idempotency_key_missing`. */
export function readKey(request: Request): string {
  const key = request.get("idempotency-key") ?? "";
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw keyMissing();
}

/** Refuses what is not added as a resource here, and a configuration that the catalog's schema does not allow. */
export function checkService(
  { service_id: id, configuration }: ResourceRequest,
  { services, provider }: { services: readonly Service[]; provider: OpenedProvider },
): void {
  const sold = services.find((entry) => entry.id === id);
  if (!sold || !Object.hasOwn(provider.provide, id)) {
    throw new ProvisioningError(sold ? "not_for_resources" : "unknown_service", {
      problem: sold
        ? `${id} is not added as a resource.`
        : `There is no service "${id.slice(0, 100)}" here.`,
      nextStep: sold ? "Call its create operation with the account's token." : "Read the catalog.",
    });
  }
  const { error } = configurationSchema(sold).safeParse(configuration);
  if (!error) return;
  throw new ProvisioningError("invalid_configuration", {
    problem: `The configuration does not fit the catalog's schema: ${z.prettifyError(error)}.`,
    nextStep: "Give what configuration_schema describes.",
  });
}

/** A service that says nothing of its configuration takes none. */
function configurationSchema({ configuration_schema: schema }: Service): z.ZodType {
  return schema === undefined ? z.strictObject({}) : z.fromJSONSchema(schema);
}

/** Reads the body, or throws `invalid_request`. */
export function readOrder(body: string): ResourceRequest {
  const { data, error } = ResourceRequest.safeParse(parseJson(body));
  if (data) return data;
  throw new ProvisioningError("invalid_request", {
    problem: `The resource request is not one of APP 0.1d: ${z.prettifyError(error)}.`,
    nextStep: "Send service_id and a configuration of text values.",
  });
}

function keyMissing(): ProvisioningError {
  return new ProvisioningError("idempotency_key_missing", {
    problem: "The request has no Idempotency-Key of 1 to 255 visible characters.",
    nextStep: "Send one that is new for each thing you want, and the same when you repeat it.",
  });
}

export function keyConflict(): ProvisioningError {
  return new ProvisioningError("idempotency_conflict", {
    problem: "The Idempotency-Key was used for another request.",
    nextStep: "Use a new key for a new request.",
  });
}
