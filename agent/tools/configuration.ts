/** A service's configuration as its JSON Schema tells it, without the schema's free texts, which are a stranger's. */
import type { Service } from "../../protocol/index.ts";

export interface ConfigurationField {
  name: string;
  required: boolean;
  /** The values that are allowed, where they are listed. */
  choices?: string[];
  default?: string;
}

const MAX_FIELDS = 30;
const MAX_CHOICES = 40;

/** The fields that `configuration` of `add_service` may have; none where the service asks for nothing. */
export function describeConfiguration(
  schema: Service["configuration_schema"],
): ConfigurationField[] {
  const properties = asRecord(schema?.["properties"]);
  const required = schema?.["required"];
  return Object.entries(properties)
    .filter(([name]) => /^[a-z_][\w.-]{0,63}$/i.test(name))
    .slice(0, MAX_FIELDS)
    .map(([name, value]) => {
      const property = asRecord(value);
      const choices = property["enum"];
      const fallback = property["default"];
      return {
        name,
        required: Array.isArray(required) && required.includes(name),
        ...(Array.isArray(choices)
          ? {
              choices: choices
                .filter((choice) => typeof choice !== "object")
                .map(String)
                .filter((choice) => /^[\w.:/-]{1,64}$/.test(choice))
                .slice(0, MAX_CHOICES),
            }
          : {}),
        ...(typeof fallback === "string" && /^[\w.:/-]{1,64}$/.test(fallback)
          ? { default: fallback }
          : {}),
      };
    });
}

function asRecord(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
