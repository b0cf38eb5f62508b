/**
 * The paid operations of an OpenAPI document, each as a request that can be sent: with the document's own examples where it has some,
 * and the plainest value of the type where not. References are followed within the document only.
 */
import { parse as parseYaml } from "yaml";
import { ConformanceError } from "./conformance-error.ts";
import { isObject, type JsonObject } from "./read/json.ts";

export interface Route {
  readonly method: string;
  readonly url: string;
  readonly body?: string;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;
const MAX_ROUTES = 100;

/** Throws `CHECK_FILE_INVALID` where it is no document, or has no paid operation. `base` is where the server is. */
export function paidRoutes(text: string, base: string): Route[] {
  const document = readDocument(text);
  const paths = isObject(document["paths"]) ? document["paths"] : {};
  const origin = serverOf(document, base);
  const routes = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = isObject(item) ? item[method] : undefined;
      if (!isObject(item) || !isObject(operation) || !isPaid(operation)) return [];
      return [routeOf({ document, path, item, method, operation, origin })];
    }),
  );
  if (routes.length === 0 || routes.length > MAX_ROUTES) {
    throw invalid(
      routes.length === 0
        ? "The OpenAPI document has no operation that is paid for."
        : `The OpenAPI document has ${routes.length} paid operations; at most ${MAX_ROUTES} are tested at once.`,
      "Name 402 among the responses of each paid operation, or give it x-payment-info.",
    );
  }
  return routes;
}

function readDocument(text: string): JsonObject {
  let document: unknown;
  try {
    // JSON is YAML too.
    document = parseYaml(text, { maxAliasCount: 100 });
  } catch {
    document = undefined;
  }
  if (isObject(document) && isObject(document["paths"])) return document;
  throw invalid(
    "It is not an OpenAPI document.",
    "Give one in JSON or YAML, with its operations under paths.",
  );
}

function invalid(problem: string, nextStep: string): ConformanceError {
  return new ConformanceError("CHECK_FILE_INVALID", { problem, nextStep });
}

function isPaid(operation: JsonObject): boolean {
  const responses = isObject(operation["responses"]) ? operation["responses"] : {};
  return "402" in responses || isObject(operation["x-payment-info"]);
}

/** The path that all operations stand below; the host is always the one that was given. */
function serverOf({ servers }: JsonObject, base: string): string {
  const first: unknown = Array.isArray(servers) ? servers[0] : undefined;
  const { url } = isObject(first) ? first : {};
  const { origin } = new URL(base);
  if (typeof url !== "string" || !URL.canParse(url, base)) return origin;
  return origin + new URL(url, base).pathname.replace(/\/$/, "");
}

interface RouteParts {
  document: JsonObject;
  path: string;
  item: JsonObject;
  method: string;
  operation: JsonObject;
  origin: string;
}

function routeOf({ document, path, item, method, operation, origin }: RouteParts): Route {
  const list = [item["parameters"], operation["parameters"]].flatMap((some) =>
    Array.isArray(some) ? some.map((one) => resolve(one, document)) : [],
  );
  const valueOf = (name: string) => {
    const parameter = list.find((one) => one["in"] === "path" && one["name"] === name);
    return encodeURIComponent(plain(exampleOf(parameter ?? {}, document)));
  };
  const query = new URLSearchParams(
    list
      .filter((one) => one["in"] === "query" && (one["required"] === true || "example" in one))
      .map((one): [string, string] => [String(one["name"]), plain(exampleOf(one, document))]),
  );
  const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) => valueOf(name));
  const body = bodyOf(operation, document);
  return {
    method: method.toUpperCase(),
    url: origin + filled + (query.size > 0 ? `?${query.toString()}` : ""),
    ...(body === undefined ? {} : { body }),
  };
}

function bodyOf(operation: JsonObject, document: JsonObject): string | undefined {
  const { content } = resolve(operation["requestBody"], document);
  const media = isObject(content) ? content["application/json"] : undefined;
  return isObject(media) ? JSON.stringify(exampleOf(media, document)) : undefined;
}

/** A parameter's or a body's own example, or one made from its schema. */
function exampleOf(part: JsonObject, document: JsonObject): unknown {
  if ("example" in part) return part["example"];
  const [first] = isObject(part["examples"]) ? Object.values(part["examples"]) : [];
  if (isObject(first) && "value" in first) return first["value"];
  return fromSchema(resolve(part["schema"], document), document, 0);
}

function fromSchema(schema: JsonObject, document: JsonObject, depth: number): unknown {
  for (const name of ["example", "default", "const"]) if (name in schema) return schema[name];
  for (const name of ["enum", "examples"]) {
    const list = schema[name];
    if (Array.isArray(list) && list.length > 0) return list[0];
  }
  const { type, properties, required } = schema;
  if (isObject(properties) && depth < 8) {
    const wanted = Array.isArray(required) ? required : Object.keys(properties);
    return Object.fromEntries(
      Object.entries(properties)
        .filter(([name]) => wanted.includes(name))
        .map(([name, inner]) => [name, fromSchema(resolve(inner, document), document, depth + 1)]),
    );
  }
  const { minimum } = schema;
  if (type === "integer" || type === "number") return typeof minimum === "number" ? minimum : 1;
  if (type === "boolean") return true;
  if (type === "array") return [];
  return type === "object" ? {} : "example";
}

/** Follows `#/…` within the document, a few steps at most. */
function resolve(part: unknown, document: JsonObject, depth = 0): JsonObject {
  if (!isObject(part)) return {};
  const reference = part["$ref"];
  if (typeof reference !== "string") return part;
  if (!reference.startsWith("#/") || depth > 8) return {};
  let found: unknown = document;
  for (const step of reference.slice(2).split("/"))
    found = isObject(found) ? found[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  return resolve(found, document, depth + 1);
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
