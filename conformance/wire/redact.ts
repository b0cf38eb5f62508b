/**
 * What of an exchange may be kept: no payment, no signature, no credential. A payment header is a bearer capability until its window
 * closes, and reports are uploaded, mailed and pasted.
 */
import type { Exchange, HeaderLine } from "./exchange.ts";

/** The part of an exchange that goes into a report. */
export interface RedactedExchange {
  index: number;
  method: string;
  url: string;
  requestHeaders: [string, string][];
  requestBody?: string;
  status?: number;
  responseHeaders: [string, string][];
  responseBody?: string;
  failure?: string;
  /** ISO 8601. */
  startedAt: string;
  ms: number;
}

const PAYMENT = /^(payment-signature|x-payment|payment-authorization|authorization)$/i;
const CREDENTIAL =
  /^(cookie|set-cookie|proxy-authorization|.*(api-?key|token|secret|password|session).*)$/i;
/** A signature, or a key, in hexadecimal. */
const LONG_HEX = /0x[0-9a-fA-F]{128,}/g;
/** What may be a payment, wherever it stands: in a query, a cookie, a body, an echo. */
const LONG_BASE64 = /(?:[A-Za-z0-9+/_-]|%2[BbFf]){200,}(?:=|%3[Dd]){0,2}/g;
const SHOWN_CHARACTERS = 2000;

export interface RedactOptions {
  /** Values that may appear nowhere, such as those of the user's own `-H`. */
  readonly secrets: readonly string[];
}

export function redact(exchange: Exchange, { secrets }: RedactOptions): RedactedExchange {
  const { request, answer } = exchange;
  const hidden = [...secrets, ...valuesOf(request.headers)].filter((value) => value.length >= 8);
  const clean = (text: string) =>
    hidden
      .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
      .replace(LONG_HEX, "[hex redacted]")
      .replace(LONG_BASE64, (word) => (isPayment(word) ? "[payment redacted]" : word));
  const lines = (headers: readonly HeaderLine[]) =>
    headers.map(([name, value]): [string, string] => [
      name,
      PAYMENT.test(name) || CREDENTIAL.test(name)
        ? `[redacted, ${value.length} characters]`
        : clip(clean(value), 16 * 1024),
    ]);
  return {
    index: exchange.index,
    method: request.method,
    url: exchange.origin + clip(clean(request.path), SHOWN_CHARACTERS),
    requestHeaders: lines(request.headers),
    ...(request.body === undefined
      ? {}
      : { requestBody: clip(clean(request.body), SHOWN_CHARACTERS) }),
    ...(answer === undefined ? {} : { status: answer.status }),
    responseHeaders: lines(answer?.headers ?? []),
    ...(answer === undefined ? {} : { responseBody: clip(clean(answer.body), SHOWN_CHARACTERS) }),
    ...(exchange.failure === undefined ? {} : { failure: exchange.failure }),
    startedAt: new Date(exchange.startedAt).toISOString(),
    ms: Math.round(exchange.ms),
  };
}

function isPayment(word: string): boolean {
  return Buffer.from(decodeURIComponent(word), "base64").toString("utf8").includes('"signature"');
}

/** Credentials of the request, which must not come back in an echo. */
function valuesOf(headers: readonly HeaderLine[]): string[] {
  return headers
    .filter(([name]) => PAYMENT.test(name) || CREDENTIAL.test(name))
    .flatMap(([, value]) => [value, value.replace(/^\w+\s+/, "")]);
}

function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`;
}
