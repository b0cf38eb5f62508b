/**
 * What a shared cache between buyers and the endpoint would do with an answer: whether it may keep it, and whom it may give it to
 * (RFC 9111, sections 3 and 4). It knows nothing of payments, as no cache does.
 */
import { headerOf, headerValues, type WireAnswer, type WireRequest } from "./exchange.ts";

/** Cacheable by default where a cache may guess for how long (RFC 9110, 15.1). */
const BY_DEFAULT: ReadonlySet<number> = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410]);

/** Whether a cache that saw `request` answered with `answer` may answer `next` with it, now. */
export function mayReuse(request: WireRequest, answer: WireAnswer, next: WireRequest): boolean {
  if (request.method !== "GET" || next.method !== "GET" || request.path !== next.path) return false;
  const control = directives(headerOf(answer, "cache-control"));
  if (control.has("no-store") || control.has("private") || control.has("no-cache")) return false;
  const shared = ["public", "s-maxage", "must-revalidate"].some((name) => control.has(name));
  if (headerOf(request, "authorization") !== undefined && !shared) return false;
  if (!matchesVary(answer, request, next)) return false;
  const age = control.get("s-maxage") ?? control.get("max-age");
  if (age !== undefined) return Number(age) > 0;
  if (headerOf(answer, "expires") !== undefined) {
    const until = Date.parse(headerOf(answer, "expires") ?? "");
    return until > Date.parse(headerOf(answer, "date") ?? new Date().toUTCString());
  }
  // A guess from Last-Modified, as caches in use make it (RFC 9111, 4.2.2).
  const guess = BY_DEFAULT.has(answer.status) || control.has("public");
  return guess && headerOf(answer, "last-modified") !== undefined;
}

function directives(header = ""): Map<string, string> {
  return new Map(
    header.split(",").flatMap((part): [string, string][] => {
      const [, name, value = ""] = /^\s*([\w-]+)\s*(?:=\s*"?([^"]*)"?)?\s*$/.exec(part) ?? [];
      return name === undefined ? [] : [[name.toLowerCase(), value]];
    }),
  );
}

function matchesVary(answer: WireAnswer, a: WireRequest, b: WireRequest): boolean {
  const names = headerValues(answer, "vary").flatMap((line) => line.split(","));
  return names.every((part) => {
    const name = part.trim();
    return name !== "*" && headerOf(a, name) === headerOf(b, name);
  });
}
