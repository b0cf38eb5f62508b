/**
 * A `fetch` for strangers' servers: the address is judged and pinned at connect, no proxy of the environment is used, headers have
 * a limit, and no redirect is followed. Only what the payer needs of `fetch` is here: a URL, a method, headers, bytes or a stream.
 */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type AddressGuardOptions, addressGuard } from "./address-guard.ts";
import { withUrl } from "../read-answer.ts";
import { decodeBody } from "./decode-body.ts";

/** All headers of an answer together; a challenge itself has a limit of its own (`CHALLENGE_LIMITS`). */
const MAX_HEADER_BYTES = 32 * 1024;

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
    const headers = new Headers(init.headers);
    if (!headers.has("accept")) headers.set("accept", "*/*");
    if (!headers.has("user-agent")) headers.set("user-agent", "purser");
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "gzip, deflate, br");
    const bytes = asBytes(body);
    if (bytes) headers.set("content-length", String(bytes.length));
    const secure = url.protocol === "https:";
    const send = (retries: number): Promise<IncomingMessage> => {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const sent = (secure ? httpsRequest : httpRequest)(url, {
        method,
        headers: Object.fromEntries(headers),
        agent: secure ? agents.https : agents.http,
        maxHeaderSize: MAX_HEADER_BYTES,
        ...(signal ? { signal } : {}),
      });
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
  const stream = Readable.toWeb(decodeBody(message, headers)) as ReadableStream<Uint8Array>;
  return withUrl(new Response(stream as never, { status, statusText, headers }), url);
}
