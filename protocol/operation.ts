/**
 * Turns a catalog operation and typed inputs into the one HTTP request they mean. The agent makes its call from this and the
 * wallet recomputes it before it pays, so neither the model nor a provider's prose ever chooses a URL.
 */
import { CatalogError, type CatalogProvider, type Service } from "./catalog.ts";
import { typedValues } from "./typed-values.ts";

export interface OperationCall {
  provider: CatalogProvider;
  service: Service;
  /** A key of `service.operations`. */
  operation: string;
  /** Values for the placeholders; `account_id` is the connection's. In the body they are as the service's `configuration_schema` types them. */
  inputs: Readonly<Record<string, string>>;
}

export interface OperationRequest {
  method: string;
  url: string;
  /** JSON text, or undefined for none; a `worker` upload brings its own body. */
  body: string | undefined;
}

/** Builds the request, or throws `OPERATION_UNKNOWN` or `INPUT_MISSING`. */
export function buildRequest({
  provider,
  service,
  operation,
  inputs,
}: OperationCall): OperationRequest {
  const found = Object.hasOwn(service.operations, operation)
    ? service.operations[operation]
    : undefined;
  if (!found) {
    throw new CatalogError("OPERATION_UNKNOWN", {
      problem: `${provider.profile.id}/${service.id} has no operation "${operation}".`,
      nextStep: "Use an operation that the catalog entry names.",
    });
  }
  const path = found.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(need(inputs, name)),
  );
  const body =
    found.body === undefined
      ? undefined
      : JSON.stringify(fill(found.body, typedValues(service.configuration_schema, inputs)));
  return { method: found.method, url: provider.baseUrl.replace(/\/$/, "") + path, body };
}

function fill(template: unknown, inputs: Readonly<Record<string, unknown>>): unknown {
  if (typeof template === "string") {
    const [, name] = /^\{(\w+)\}$/.exec(template) ?? [];
    return name === undefined ? template : need(inputs, name);
  }
  if (Array.isArray(template)) return template.map((item) => fill(item, inputs));
  if (template === null || typeof template !== "object") return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [key, fill(value, inputs)]),
  );
}

function need<Value>(inputs: Readonly<Record<string, Value>>, name: string): Value {
  const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (value !== undefined) return value;
  throw new CatalogError("INPUT_MISSING", {
    problem: `The operation needs the input "${name}".`,
    nextStep: `Give "${name}" as the service's configuration_schema describes it.`,
  });
}

/** Reads the results that `operation.returns` names from a JSON answer (RFC 6901); what is not there is left out. */
export function readReturns(
  returns: Readonly<Record<string, string>> | undefined,
  answer: unknown,
): Record<string, unknown> {
  const results: Record<string, unknown> = {};
  for (const [name, pointer] of Object.entries(returns ?? {})) {
    const value = pointer
      .split("/")
      .slice(1)
      .reduce<unknown>(
        (at, key) => step(at, key.replaceAll("~1", "/").replaceAll("~0", "~")),
        answer,
      );
    if (value !== undefined) results[name] = value;
  }
  return results;
}

function step(at: unknown, key: string): unknown {
  if (at === null || typeof at !== "object" || !Object.hasOwn(at, key)) return undefined;
  return (at as Record<string, unknown>)[key];
}
