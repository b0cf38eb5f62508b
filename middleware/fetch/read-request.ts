/**
 * A caller's request in any of the shapes that `fetch` takes, read once into the one that can be sent twice: a payment is a second
 * sending of the very same request. What cannot be sent twice is known as such before anything is paid.
 */
import { PaymentError } from "../payment-error.ts";
import { type PlainRequest, readPlain } from "./plain-request.ts";

/** What `fetch` takes first. */
export type FetchInput = Parameters<typeof globalThis.fetch>[0];

export interface ReadRequest {
  readonly method: string;
  /** Without a fragment. */
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** A body that can be sent only once; then `body` is undefined, and the request is never paid for. */
  readonly stream: ReadableStream<Uint8Array> | undefined;
  readonly redirect: NonNullable<RequestInit["redirect"]>;
  readonly signal: AbortSignal | undefined;
}

/** The largest body that is kept in memory to be sent again. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Headers that only the wallet may set. */
const PAYMENT_HEADERS = ["x-payment", "payment-signature", "payment-authorization"];

/** The connection's own; and another `Host` would lead a payment to another site at the same address. */
const CONNECTION_HEADERS = [
  "host",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "te",
  "trailer",
  "upgrade",
  "expect",
];

/**
 * Reads the request, or throws `REQUEST_INVALID` (not http(s), credentials in the URL, a payment header of the caller's own) or
 * `BODY_TOO_LARGE`. The body of a `Request` and a `FormData` are buffered once; a stream in `init` is handed on as it is.
 */
export async function readRequest(input: FetchInput, init: RequestInit = {}): Promise<ReadRequest> {
  init.signal?.throwIfAborted();
  const streamed = asStream(init.body);
  const request =
    readPlain(input, init) ??
    build(input, streamed ? { ...init, body: null } : init, streamed !== undefined);
  const url = new URL(request.url);
  url.hash = "";
  if (!/^https?:$/.test(url.protocol)) throw invalid(`${url.protocol} is no protocol to pay over`);
  for (const name of PAYMENT_HEADERS) {
    if (request.headers.has(name)) throw invalid(`the header ${name} is the wallet's to set`);
  }
  for (const name of CONNECTION_HEADERS) request.headers.delete(name);
  const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
  return {
    method: request.method,
    url: url.href,
    headers: request.headers,
    body: streamed ? undefined : await readBody(request),
    stream: streamed,
    redirect: request.redirect,
    signal,
  };
}

/** `Request` itself knows every shape: URLs, `Headers`, arrays, plain objects, forms; it sets the content type that fits. */
function build(input: FetchInput, init: RequestInit, streamed: boolean): Request {
  // The signal is kept apart: one that aborts later must not reach into a request that is only read here.
  const { signal: _, method, ...rest } = init;
  try {
    const request = new Request(input, {
      ...rest,
      // A body that was set aside still decides which methods are allowed.
      ...(method === undefined ? {} : { method }),
      ...(streamed ? { duplex: "half" } : {}),
    });
    if (!streamed || !["GET", "HEAD"].includes(request.method)) return request;
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : "it cannot be read", cause);
  }
  throw invalid(`a ${method ?? "GET"} request has no body`);
}

/** A body that is consumed by sending it: a web stream, or anything that is iterated asynchronously, as Node's streams are. */
function asStream(body: unknown): ReadableStream<Uint8Array> | undefined {
  if (body instanceof ReadableStream) return body as ReadableStream<Uint8Array>;
  if (typeof body !== "object" || body === null || !(Symbol.asyncIterator in body))
    return undefined;
  return ReadableStream.from<Uint8Array>(body as AsyncIterable<Uint8Array>);
}

async function readBody({ body }: Request | PlainRequest): Promise<ReadRequest["body"]> {
  if (!(body instanceof ReadableStream)) {
    refuseLarge(body?.length ?? 0);
    return body ?? undefined;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    refuseLarge(size);
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

function refuseLarge(bytes: number): void {
  if (bytes <= MAX_BODY_BYTES) return;
  throw new PaymentError("BODY_TOO_LARGE", {
    problem: `The request's body is larger than ${MAX_BODY_BYTES} bytes.`,
    nextStep: "Nothing was sent. Send less, or send it as a stream to where nothing is paid.",
  });
}

function invalid(reason: string, cause?: unknown): PaymentError {
  return new PaymentError("REQUEST_INVALID", {
    problem: `The request cannot be made: ${reason.replace(/\.$/, "")}.`,
    nextStep: "Nothing was sent. Correct the request.",
    cause,
  });
}
