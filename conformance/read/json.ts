/** JSON of strangers. */
import { isObject } from "../../protocol/is-object.ts";

export { isObject };

export type JsonObject = { readonly [key: string]: unknown };

/** The value, or undefined where the text is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Every place in a value: its path, such as `accepts[0].amount`, and what stands there. */
export function* walk(value: unknown, path = "", depth = 0): Generator<[string, unknown]> {
  yield [path, value];
  if (depth > 64) return;
  if (Array.isArray(value)) {
    for (const [index, inner] of value.entries())
      yield* walk(inner, `${path}[${index}]`, depth + 1);
  } else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      yield* walk(inner, path === "" ? key : `${path}.${key}`, depth + 1);
    }
  }
}

/** A value of a stranger for one line of text. */
export function show(value: unknown, max = 80): string {
  const text = value === undefined ? "nothing" : (JSON.stringify(value) ?? typeof value);
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
