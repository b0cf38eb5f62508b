/** OpenAPI documents: the operation under test, the price that crawlers read there, and every operation that is paid for. */
import { answerOf, type Context } from "../context.ts";
import { isObject, type JsonObject, parse } from "./json.ts";

/** This operation in the server's OpenAPI document, or why it is not found. */
export async function readOperation({ ask, target }: Context): Promise<JsonObject | string> {
  const answer = answerOf(
    await ask({ method: "GET", path: "/openapi.json", body: undefined, headers: [] }),
  );
  const document = parse(answer.body);
  if (answer.status !== 200 || !isObject(document))
    return `/openapi.json is answered with ${answer.status}.`;
  const paths = isObject(document["paths"]) ? document["paths"] : {};
  const path = paths[new URL(target.url).pathname];
  const operation = isObject(path) ? path[target.method.toLowerCase()] : undefined;
  return isObject(operation) ? operation : "/openapi.json does not name this operation.";
}

/** Decimal dollars, least and most, as `x-payment-info` has them in any of the forms that are in use. */
export function listedPrice(operation: JsonObject): { least: string; most: string } | undefined {
  const info = operation["x-payment-info"];
  if (!isObject(info)) return undefined;
  const price = isObject(info["price"]) ? info["price"] : info;
  const text = (...names: string[]) =>
    names.map((name) => price[name]).find((value) => typeof value === "string");
  const fixed = text("amount", "price");
  const [least, most] = [text("min", "minPrice") ?? fixed, text("max", "maxPrice") ?? fixed];
  return least === undefined || most === undefined ? undefined : { least, most };
}
