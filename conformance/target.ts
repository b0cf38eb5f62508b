/** The endpoint under test: one request of it, and where it stands. Private networks need leave; loopback and public ones do not. */
import { ConformanceError } from "./conformance-error.ts";
import { type ResolvedHost, resolveHost as resolveByName } from "./wire/address-kind.ts";
import type { HeaderLine } from "./wire/exchange.ts";

export interface TargetOptions {
  /** http or https. */
  readonly url: string;
  /** Default: GET, or POST with a body. */
  readonly method?: string | undefined;
  /** Lines that every request carries, such as `["Accept", "application/json"]`. Their values never enter a report where they look secret. */
  readonly headers?: readonly HeaderLine[] | undefined;
  readonly body?: string | undefined;
  readonly allowPrivate?: boolean | undefined;
  /** Finds where a host is. Default: this machine's resolver. */
  readonly resolveHost?: ((hostname: string) => Promise<ResolvedHost>) | undefined;
}

export interface Target {
  readonly url: string;
  readonly origin: string;
  /** The `Host` header's value. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  readonly method: string;
  readonly headers: readonly HeaderLine[];
  readonly body: string | undefined;
  readonly host: ResolvedHost;
}

/** Throws `CHECK_TARGET_INVALID`, `CHECK_TARGET_PRIVATE` or `CHECK_TARGET_UNREACHABLE`. */
export async function readTarget(options: TargetOptions): Promise<Target> {
  const { url: text, headers = [], body, allowPrivate = false } = options;
  const { resolveHost = resolveByName } = options;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new ConformanceError("CHECK_TARGET_INVALID", {
      problem: `"${text.slice(0, 200)}" is not an http(s) URL.`,
      nextStep: "Write it such as http://127.0.0.1:4021/paid, without a name and password.",
    });
  }
  const method = (options.method ?? (body === undefined ? "GET" : "POST")).toUpperCase();
  if (!/^[A-Z]{1,20}$/.test(method)) {
    throw new ConformanceError("CHECK_TARGET_INVALID", {
      problem: `"${method.slice(0, 40)}" is not a method.`,
      nextStep: "Write one such as GET or POST.",
    });
  }
  const host = await resolveHost(url.hostname).catch((cause: unknown) => {
    throw new ConformanceError("CHECK_TARGET_UNREACHABLE", {
      problem: `${url.hostname} has no address.`,
      nextStep: "Check the name, and that this machine can resolve it.",
      cause,
    });
  });
  if (host.kind === "private" && !allowPrivate) {
    const { address, what = "an address of a private network" } = host;
    const isLiteral = url.hostname.replace(/^\[|\]$/g, "") === address;
    throw new ConformanceError("CHECK_TARGET_PRIVATE", {
      problem: `${isLiteral ? address : `${url.hostname} is at ${address}, which`} is ${what}.`,
      nextStep:
        "If it is yours to test, allow it with --allow-private. A server on this machine is at 127.0.0.1.",
    });
  }
  return {
    url: url.href,
    origin: url.origin,
    authority: url.host,
    path: url.pathname + url.search,
    method,
    headers,
    body,
    host,
  };
}
