/**
 * The commonest requests, read without making a `Request`, which costs more than all the rest of reading one: an address, plain
 * headers, and no body or a text. Nothing is refused here: of whatever else, and whatever may be wrong, `Request` has its say.
 */
import type { FetchInput, ReadRequest } from "./read-request.ts";

export interface PlainRequest extends Pick<
  ReadRequest,
  "method" | "headers" | "body" | "redirect"
> {
  readonly url: string;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const REDIRECTS = ["follow", "error", "manual"];
/** Any other member may be one that `Request` refuses. */
const MEMBERS = ["method", "headers", "body", "redirect", "signal"];
const encoder = new TextEncoder();

/** What `Request` would make of it, or undefined where it has to be asked. */
export function readPlain(input: FetchInput, init: RequestInit): PlainRequest | undefined {
  if (!isPlainObject(init) || !Object.keys(init).every((name) => MEMBERS.includes(name)))
    return undefined;
  const { method = "GET", redirect = "follow", body } = init;
  if (!METHODS.includes(method) || !REDIRECTS.includes(redirect)) return undefined;
  const url = readUrl(input);
  const headers = url && readHeaders(init.headers);
  if (!headers) return undefined;
  const read = { method, url, headers, redirect };
  if (body === undefined || body === null) return { ...read, body: undefined };
  if (typeof body !== "string" || method === "GET" || method === "HEAD") return undefined;
  if (!headers.has("content-type")) headers.set("content-type", "text/plain;charset=UTF-8");
  return { ...read, body: encoder.encode(body) as Uint8Array<ArrayBuffer> };
}

function readUrl(input: FetchInput): string | undefined {
  if (typeof input !== "string" && !(input instanceof URL)) return undefined;
  const url = URL.parse(String(input));
  return url?.username === "" && url.password === "" ? url.href : undefined;
}

/** A copy; only of what can be read a second time. */
function readHeaders(headers: RequestInit["headers"]): Headers | undefined {
  const isRepeatable =
    headers === undefined ||
    headers instanceof Headers ||
    Array.isArray(headers) ||
    isPlainObject(headers);
  try {
    return isRepeatable ? new Headers(headers) : undefined;
  } catch {
    return undefined;
  }
}

function isPlainObject(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
