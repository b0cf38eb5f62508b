/**
 * The way of a request until somebody answers it: redirects are followed as `fetch` follows them, one hop at a time, so that every
 * hop can be looked at and the one that asks for a payment is known. No payment is ever on these requests.
 */
import { PaymentError } from "../payment-error.ts";
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

/** The next hop where the answer is a redirect that is to be followed, otherwise undefined. */
export function nextHop(hop: Hop, response: Response, count: number): Hop | undefined {
  const location = response.headers.get("location");
  if (!REDIRECTS.includes(response.status) || location === null) return undefined;
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
