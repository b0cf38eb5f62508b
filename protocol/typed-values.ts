/**
 * What a service or an account is configured with is named texts everywhere, because a text has one identity. A provider's JSON Schema may
 * want a number or a boolean: on the wire it gets one, where the text is exactly as JSON writes it. So text and value stand for each other,
 * and what was hashed, priced or compared of the one holds for the other.
 */
import { z } from "zod";
import { isObject } from "./is-object.ts";

type Texts = Readonly<Record<string, string>>;

/** As they arrive: numbers and booleans become their texts again. */
export const Values = z
  .record(z.string(), z.union([z.string().max(1000), z.number(), z.boolean()]))
  .transform((values): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
  );

/**
 * As the schema's `properties` want them: `{ size: "5" }` is `{ size: 5 }` where `size` may be an integer and no text. What has no schema, or one
 * that takes the text or cannot be read, and what JSON would write otherwise ("05", "5.0", "TRUE"), stays a text.
 */
export function typedValues(
  schema: Readonly<Record<string, unknown>> | undefined,
  texts: Texts,
): Record<string, string | number | boolean> {
  const properties: unknown = schema?.["properties"];
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      const wanted = isObject(properties) && Object.hasOwn(properties, name) && properties[name];
      return [name, isObject(wanted) ? typed(wanted, text) : text];
    }),
  );
}

/**
 * What does not fit the schema, typed as it wants; undefined where all does. A configuration is an object, also where its schema forgets to
 * say so. Throws where the schema cannot be read.
 */
export function valuesError(
  schema: Readonly<Record<string, z.core.util.JSONType>>,
  texts: Texts,
): z.ZodError | undefined {
  return z.fromJSONSchema({ type: "object", ...schema }).safeParse(typedValues(schema, texts))
    .error;
}

function typed(wanted: Readonly<Record<string, unknown>>, text: string): string | number | boolean {
  const value = scalarOf(text);
  if (value === undefined) return text;
  try {
    const schema = z.fromJSONSchema(wanted);
    if (schema.safeParse(text).success) return text;
    const issues = schema.safeParse(value).error?.issues ?? [];
    // Of the right type, and perhaps too large: that is told of the number.
    return issues.some(({ code }) => code === "invalid_type" || code === "invalid_union")
      ? text
      : value;
  } catch {
    return text;
  }
}

function scalarOf(text: string): number | boolean | undefined {
  if (text === "true" || text === "false") return text === "true";
  if (!/^-?\d{1,16}(\.\d{1,16})?$/.test(text)) return undefined;
  const number = Number(text);
  return String(number) === text && Math.abs(number) <= Number.MAX_SAFE_INTEGER
    ? number
    : undefined;
}
