/** A request that came to the paywall, and what the paywall has read of it. */
import type { Request, Response } from "express";
import { fingerprintOf, identityOf } from "../fingerprint.ts";
import { bodyText } from "./body-text.ts";
import type { AskedRequest } from "./terms.ts";

export interface Visit {
  readonly request: Request;
  readonly response: Response;
  /** Hands the request on to what comes after the paywall. */
  readonly next: (error?: unknown) => void;
  readonly asked: AskedRequest;
  /** The host that buyers see, without its port: an MPP realm. */
  readonly realm: string;
  /** Method, URL and body in one text, and its digest. */
  readonly identity: string;
  readonly fingerprint: string;
}

export interface VisitOptions extends Pick<Visit, "request" | "response" | "next"> {
  /** The origin that buyers see. Default: the one that the request names. */
  readonly publicOrigin: string | (() => string) | undefined;
  readonly maxTimeoutSeconds: number;
  readonly paymentFlow: AskedRequest["paymentFlow"];
}

/** Reads it; its body has been read by then (`hasUnreadBody`). */
export function receive({
  request,
  response,
  next,
  publicOrigin,
  maxTimeoutSeconds,
  paymentFlow,
}: VisitOptions): Visit {
  const { method, originalUrl: url } = request;
  const named = typeof publicOrigin === "function" ? publicOrigin() : publicOrigin;
  const origin = named?.replace(/\/$/, "") ?? `${request.protocol}://${request.host}`;
  const body = bodyText(request);
  const identity = identityOf({ method, url, body });
  return {
    request,
    response,
    next,
    asked: { method, resource: origin + url, maxTimeoutSeconds, paymentFlow },
    get realm() {
      return hostOf(origin);
    },
    identity,
    // Most requests are unpaid, and need none.
    get fingerprint() {
      return fingerprintOf({ method, url, body });
    },
  };
}

/** The host name of an origin, or what stands where one should. */
function hostOf(origin: string): string {
  return /^[a-z]+:\/\/(\[[^\]]*\]|[^:/]*)/i.exec(origin)?.[1] ?? origin;
}
