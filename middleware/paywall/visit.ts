/** A request that came to the paywall, and what the paywall has read of it. */
import type { Request, Response } from "express";
import { digestIdentity, identityOf } from "../fingerprint.ts";
import { bodyText } from "./body-text.ts";
import type { AskedRequest } from "./terms.ts";

export interface VisitOptions {
  /** The origin that buyers see. Default: the one that the request names. */
  readonly publicOrigin: string | (() => string) | undefined;
  readonly maxTimeoutSeconds: number;
  readonly paymentFlow: AskedRequest["paymentFlow"];
}

/** Most requests are unpaid, so what only a payment needs is read when it is asked for. */
export class Visit {
  readonly request: Request;
  readonly response: Response;
  /** Hands the request on to what comes after the paywall. */
  readonly next: (error?: unknown) => void;
  readonly asked: AskedRequest;
  /** Method, URL and body in one text. */
  readonly identity: string;
  readonly #origin: string;

  /** The request's body has been read by then (`hasUnreadBody`). */
  constructor(
    { request, response, next }: Pick<Visit, "request" | "response" | "next">,
    { publicOrigin, maxTimeoutSeconds, paymentFlow }: VisitOptions,
  ) {
    const { method, originalUrl: url } = request;
    const named = typeof publicOrigin === "function" ? publicOrigin() : publicOrigin;
    this.request = request;
    this.response = response;
    this.next = next;
    this.#origin = named?.replace(/\/$/, "") ?? `${request.protocol}://${request.host}`;
    this.asked = { method, resource: this.#origin + url, maxTimeoutSeconds, paymentFlow };
    this.identity = identityOf({ method, url, body: bodyText(request) });
  }

  /** The host that buyers see, without its port: an MPP realm. */
  get realm(): string {
    return hostOf(this.#origin);
  }

  /** The identity's digest. */
  get fingerprint(): string {
    return digestIdentity(this.identity);
  }
}

/** The host name of an origin, or what stands where one should. */
function hostOf(origin: string): string {
  return /^[a-z]+:\/\/(\[[^\]]*\]|[^:/]*)/i.exec(origin)?.[1] ?? origin;
}
