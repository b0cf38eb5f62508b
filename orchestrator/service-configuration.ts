/** What a service is configured with: the person's or the agent's words, checked against what the catalog says that it takes. */
import type { z } from "zod";
import { type Service, valuesError } from "../protocol/index.ts";
import { OrchestratorError } from "./error.ts";

type Configuration = Readonly<Record<string, string>>;

/** The types that a value of an order can have. */
const HELD = new Set(["string", "number", "int", "boolean"]);

/**
 * Where it does not fit the service's `configuration_schema`, in a line for each thing that is wrong; undefined where it does. A schema that
 * cannot be read refuses nothing, and neither does one that wants a list or an object, which no order can hold: the provider will say.
 */
export function configurationMisfit(
  { configuration_schema: schema }: Pick<Service, "configuration_schema">,
  configuration: Configuration,
): string | undefined {
  if (schema === undefined) return undefined;
  const issues = misfits(schema, configuration)?.issues ?? [];
  const wrong = issues.filter(
    (issue) =>
      issue.code !== "invalid_type" || !isGiven(issue.path) || HELD.has(String(issue.expected)),
  );
  return wrong.length === 0 ? undefined : wrong.map(tell).join("; ");

  function isGiven([name, ...deeper]: readonly PropertyKey[]): boolean {
    return deeper.length === 0 && typeof name === "string" && name in configuration;
  }
  function tell({ code, path, message }: { code: string; path: PropertyKey[]; message: string }) {
    const name = path.join(".");
    if (code === "invalid_type" && !isGiven(path)) return `"${name}" is missing`;
    return name === "" ? message : `"${name}": ${message}`;
  }
}

/** What does not fit a provider's schema; undefined where all does, and where the schema cannot be read: the provider will say. */
export function misfits(
  schema: NonNullable<Service["configuration_schema"]>,
  configuration: Configuration,
): z.ZodError | undefined {
  try {
    return valuesError(schema, configuration);
  } catch {
    return undefined;
  }
}

/** Throws `INPUT_INVALID` before the provider hears of it, and before a price is asked for. */
export function checkConfiguration(
  reference: string,
  service: Service,
  configuration: Configuration,
): void {
  const why = configurationMisfit(service, configuration);
  if (why === undefined) return;
  throw new OrchestratorError("INPUT_INVALID", {
    problem: `${reference} cannot be had with this configuration: ${why}.`,
    nextStep: "Give what the catalog's configuration_schema of the service describes.",
    details: { service: reference, schema: JSON.stringify(service.configuration_schema) },
  });
}
