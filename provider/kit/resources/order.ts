/** What an orchestrator may order as a resource, and under which key: everything that is refused before anything is done. */
import type { Request } from "express";
import { z } from "zod";
import { type Service, valuesError } from "../../../protocol/index.ts";
import { parseJson } from "../parse-json.ts";
import { ProvisioningError } from "../error.ts";

/** The request's idempotency key, or `idempotency_key_missing`. */
export function readKey(request: Request): string {
  const key = request.get("idempotency-key") ?? "";
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw keyMissing();
}

/** The catalog's entry of what a provider function is there for, or a refusal. */
export function serviceFor(
  id: string,
  { services, functions }: { services: readonly Service[]; functions: object | undefined },
): Service {
  const sold = services.find((entry) => entry.id === id);
  if (sold && functions && Object.hasOwn(functions, id)) return sold;
  throw new ProvisioningError(sold ? "not_for_resources" : "unknown_service", {
    problem: sold
      ? `${id} is not added as a resource.`
      : `There is no service "${id.slice(0, 100)}" here.`,
    nextStep: sold ? "Call its create operation with the account's token." : "Read the catalog.",
  });
}

/** Refuses a configuration that the catalog's schema does not allow. */
export function checkConfiguration(
  service: Service,
  configuration: Readonly<Record<string, string>>,
): void {
  const error = valuesError(service.configuration_schema ?? NOTHING, configuration);
  if (!error) return;
  throw new ProvisioningError("invalid_configuration", {
    problem: `The configuration does not fit the catalog's schema: ${z.prettifyError(error)}.`,
    nextStep: "Give what configuration_schema describes.",
  });
}

/** A service that says nothing of its configuration takes none. */
const NOTHING = { additionalProperties: false };

/** Reads a body, or throws `invalid_request`. */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: string): z.output<Schema> {
  const { data, error } = schema.safeParse(body === "" ? {} : parseJson(body));
  if (!error) return data;
  throw new ProvisioningError("invalid_request", {
    problem: `The request is not one of APP 0.1d: ${z.prettifyError(error)}.`,
    nextStep:
      "Send the fields that the protocol asks for, with texts, numbers or booleans as values.",
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
