/**
 * The way of a request until somebody answers it: redirects are followed as `fetch` follows them, one hop at a time, so that every
 * hop can be looked at and the one that asks for a payment is known. No payment is ever on these requests.
 */
import { PaymentError } from "../payment-error.ts";
import { openHop, type OpenHop } from "./open-hop.ts";
import type { ReadRequest } from "./read-request.ts";

/** As many as `fetch` follows. */
const MAX_REDIRECTS = 20;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Headers that describe a body; gone with it. */
const BODY_HEADERS = [
  "content-type",
  "content-length",
  "content-encoding",
  "content-language",
  "content-location",
];
/** A secret of the caller's for one origin is not for another. */
const SECRET_HEADERS = ["authorization", "cookie", "proxy-authorization"];

export type Hop = Pick<ReadRequest, "method" | "url" | "headers" | "body" | "stream">;

export interface WalkOptions {
  readonly request: ReadRequest;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number | undefined;
}

/** The end of the way: whoever answered, and how. `close` ends the timeout, once the body is read or is to stream. */
export interface WalkEnd extends OpenHop {
  readonly hop: Hop;
}

/** Walks to the end, or stops with what `stop` makes of a hop before anything is sent there. */
export function walkUnpaid(options: WalkOptions): Promise<WalkEnd>;
export function walkUnpaid<T>(
  options: WalkOptions,
  stop: (hop: Hop) => Promise<T | undefined>,
): Promise<WalkEnd | { readonly stopped: T }>;
export async function walkUnpaid<T>(
  { request, fetch, timeoutMs }: WalkOptions,
  stop?: (hop: Hop) => Promise<T | undefined>,
): Promise<WalkEnd | { readonly stopped: T }> {
  let hop: Hop = request;
  for (let count = 0; ; count += 1) {
    const stopped = await stop?.(hop);
    if (stopped !== undefined) return { stopped };
    const { response, close } = await openHop({ hop, request, fetch, timeoutMs });
    const redirect = REDIRECTS.includes(response.status) && response.headers.has("location");
    if (!redirect || request.redirect === "manual") return { hop, response, close };
    close();
    await response.body?.cancel();
    if (request.redirect === "error") throw unfollowed(hop, "and the request said to follow none");
    hop = nextHop(hop, response, count);
  }
}

/** Where a redirect leads, with the method, body and headers that go there (Fetch standard, 4.4 "HTTP-redirect fetch"). */
function nextHop(hop: Hop, response: Response, count: number): Hop {
  const location = response.headers.get("location") ?? "";
  const target = URL.parse(location, hop.url);
  if (!target || !/^https?:$/.test(target.protocol) || target.username || target.password) {
    throw unfollowed(hop, "to where no request can go");
  }
  if (count >= MAX_REDIRECTS) {
    throw new PaymentError("TOO_MANY_REDIRECTS", {
      problem: `${hop.url} led through more than ${MAX_REDIRECTS} redirects.`,
      nextStep: "Nothing was paid. Ask the provider for the right address.",
    });
  }
  target.hash = "";
  const toGet =
    (response.status === 303 && !["GET", "HEAD"].includes(hop.method)) ||
    (response.status <= 302 && hop.method === "POST");
  if (!toGet && hop.stream) throw unfollowed(hop, "that would need its body a second time");
  const headers = new Headers(hop.headers);
  if (toGet) for (const name of BODY_HEADERS) headers.delete(name);
  if (target.origin !== new URL(hop.url).origin) {
    for (const name of SECRET_HEADERS) headers.delete(name);
  }
  return {
    method: toGet ? "GET" : hop.method,
    url: target.href,
    headers,
    body: toGet ? undefined : hop.body,
    stream: toGet ? undefined : hop.stream,
  };
}

function unfollowed({ url }: Hop, where: string): PaymentError {
  return new PaymentError("REDIRECTED", {
    problem: `${url} answered with a redirect ${where}.`,
    nextStep: "Nothing was paid. Ask the provider for the right address.",
  });
}
