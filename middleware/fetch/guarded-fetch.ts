/**
 * A `fetch` for strangers' servers: the address is judged and pinned at connect, no proxy of the environment is used, headers have
 * a limit, and no redirect is followed. Only what the payer needs of `fetch` is here: a URL, a method, headers, bytes or a stream.
 */
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type AddressGuardOptions, addressGuard } from "./address-guard.ts";
import { responseOf } from "../body-source.ts";
import { withUrl } from "../with-url.ts";
import { decodeBody } from "./decode-body.ts";

/** All headers of an answer together; a challenge itself has a limit of its own (`CHALLENGE_LIMITS`). */
const MAX_HEADER_BYTES = 32 * 1024;

const DEFAULT_HEADERS = {
  accept: "*/*",
  "user-agent": "purser",
  "accept-encoding": "gzip, deflate, br",
};

export function guardedFetch(options: AddressGuardOptions): typeof globalThis.fetch {
  const guard = addressGuard(options);
  const agents = {
    http: new HttpAgent({ keepAlive: true, lookup: guard.lookup }),
    https: new HttpsAgent({ keepAlive: true, lookup: guard.lookup }),
  };

  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    guard.checkHost(url.hostname);
    const { method = "GET", body, signal } = init;
    signal?.throwIfAborted();
    const given = init.headers instanceof Headers ? init.headers : new Headers(init.headers);
    const headers: Record<string, string> = { ...DEFAULT_HEADERS, ...Object.fromEntries(given) };
    const bytes = asBytes(body);
    if (bytes) headers["content-length"] = String(bytes.length);
    const secure = url.protocol === "https:";
    // What `request` reads of a URL, without its copies of all the rest; one with credentials has been refused before.
    const options = {
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      path: url.pathname + url.search,
      method,
      headers,
      agent: secure ? agents.https : agents.http,
      maxHeaderSize: MAX_HEADER_BYTES,
    };
    const send = (retries: number): Promise<IncomingMessage> => {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const sent = (secure ? httpsRequest : httpRequest)(options);
      if (signal) endWith(signal, sent);
      sent.once("response", resolve).on("error", (error) => {
        // A kept connection that the server has just closed says nothing about the request.
        if (retries > 0 && sent.reusedSocket && isReset(error)) resolve(send(retries - 1));
        else reject(error);
      });
      if (body instanceof ReadableStream) {
        pipeline(Readable.fromWeb(body as never), sent).catch(reject);
      } else {
        sent.end(bytes);
      }
      return promise;
    };
    const repeats = ["GET", "HEAD"].includes(method);
    return toResponse(await send(repeats ? 1 : 0), method, url.href);
  };
}

/** As the `signal` of `request` does it, at a third of the price. */
function endWith(signal: AbortSignal, sent: ClientRequest): void {
  const end = () => void sent.destroy(new Error("aborted", { cause: signal.reason }));
  signal.addEventListener("abort", end, { once: true });
  sent.once("close", () => signal.removeEventListener("abort", end));
}

function isReset(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNRESET";
}

function asBytes(body: unknown): Uint8Array | undefined {
  if (typeof body === "string") return Buffer.from(body);
  return body instanceof Uint8Array ? body : undefined;
}

function toResponse(message: IncomingMessage, method: string, url: string): Response {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    headers.append(message.rawHeaders[index] ?? "", message.rawHeaders[index + 1] ?? "");
  }
  const statusText = message.statusMessage ?? "";
  if (method === "HEAD" || [204, 205, 304].includes(status)) {
    message.resume();
    return withUrl(new Response(null, { status, statusText, headers }), url);
  }
  return withUrl(responseOf(decodeBody(message, headers), { status, statusText, headers }), url);
}
