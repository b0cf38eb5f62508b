/**
 * Sends a request exactly as it is written and keeps the answer exactly as it comes: no redirects, no cookies, no decoding, a
 * lenient reader (a strict one would hide the faults that are looked for), a deadline for each exchange, and one connection
 * for each request that carries a payment, so that nothing is ever sent twice by itself.
 */
import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as TlsAgent, request as requestHttps } from "node:https";
import { BODY_LIMIT, type HeaderLine, type WireAnswer, type WireRequest } from "./exchange.ts";
import type { ResolvedHost } from "./address-kind.ts";

export interface WireClientOptions {
  /** Such as `http://127.0.0.1:4021`. */
  readonly origin: string;
  readonly host: ResolvedHost;
  readonly deadlineMs: number;
}

export interface SendOptions {
  /** A connection of its own. */
  readonly alone?: boolean;
  readonly deadlineMs?: number;
  /** Sends the request whole, and closes the connection without reading the answer. */
  readonly hangUp?: boolean;
  /** Closes the connection as soon as the answer begins. */
  readonly cut?: boolean;
  /** Sends the head alone, and waits for an answer before the body. */
  readonly holdBody?: boolean;
}

export type WireResult = { answer: WireAnswer } | { failure: string };

export interface WireClient extends Disposable {
  send(request: WireRequest, options?: SendOptions): Promise<WireResult>;
}

export function openWireClient({ origin, host, deadlineMs }: WireClientOptions): WireClient {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === "https:";
  const settings = { keepAlive: true, maxSockets: 64, keepAliveMsecs: 1000 };
  const agent = secure ? new TlsAgent(settings) : new Agent(settings);
  const open = (request: WireRequest, alone: boolean): ClientRequest => {
    const options = {
      host: host.address,
      port: port === "" ? (secure ? 443 : 80) : Number(port),
      method: request.method,
      path: request.path,
      headers: request.headers.flat(),
      setHost: false,
      insecureHTTPParser: true,
      maxHeaderSize: 1024 * 1024,
      agent: alone ? false : agent,
      ...(secure ? { servername: hostname } : {}),
    } as const;
    return secure ? requestHttps(options) : requestHttp(options);
  };
  const once = (
    request: WireRequest,
    alone: boolean,
    limit: number,
    { hangUp = false, cut = false, holdBody = false }: SendOptions = {},
  ) =>
    new Promise<WireResult & { stale?: boolean }>((resolve) => {
      let outgoing: ClientRequest;
      try {
        outgoing = open(request, alone);
      } catch (error) {
        // Node itself refuses to send some bytes.
        resolve({ failure: `UNSENDABLE ${(error as { code?: string }).code ?? ""}`.trim() });
        return;
      }
      const timer = setTimeout(() => {
        resolve({ failure: "DEADLINE" });
        outgoing.destroy();
      }, limit);
      const end = (result: WireResult & { stale?: boolean }) => {
        clearTimeout(timer);
        resolve(result);
      };
      outgoing.on("error", (error: NodeJS.ErrnoException) =>
        end({ failure: error.code ?? "UNREADABLE", stale: outgoing.reusedSocket }),
      );
      outgoing.on("upgrade", (message: IncomingMessage) => {
        end({ answer: answerOf(message, []) });
        outgoing.destroy();
      });
      outgoing.on("response", (message) => {
        if (cut || holdBody) {
          end(cut ? { failure: "CUT" } : { answer: answerOf(message, []) });
          outgoing.destroy();
          return;
        }
        const chunks: Buffer[] = [];
        let length = 0;
        message.on("data", (chunk: Buffer) => {
          if (length < BODY_LIMIT) chunks.push(chunk);
          length += chunk.length;
          if (length <= BODY_LIMIT * 16) return;
          end({ answer: answerOf(message, chunks) });
          outgoing.destroy();
        });
        message.on("end", () => end({ answer: answerOf(message, chunks) }));
        message.on("error", (error: NodeJS.ErrnoException) =>
          end({ failure: error.code ?? "BODY_CUT" }),
        );
      });
      if (hangUp) {
        outgoing.on("finish", () => {
          end({ failure: "HUNG_UP" });
          outgoing.socket?.end(() => outgoing.destroy());
        });
      }
      if (holdBody) outgoing.flushHeaders();
      else outgoing.end(request.body);
    });
  return {
    async send(request, options = {}) {
      const { alone = false, deadlineMs: limit = deadlineMs } = options;
      const first = await once(request, alone, limit, options);
      // The server had closed a kept connection before this request reached it: nobody has seen it.
      if ("failure" in first && first.stale === true) return await once(request, true, limit);
      return first;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function answerOf(message: IncomingMessage, chunks: readonly Buffer[]): WireAnswer {
  const bytes = Buffer.concat(chunks);
  const headers: HeaderLine[] = [];
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    headers.push([message.rawHeaders[at] ?? "", message.rawHeaders[at + 1] ?? ""]);
  }
  return {
    status: message.statusCode ?? 0,
    headers,
    body: bytes.subarray(0, BODY_LIMIT).toString("utf8"),
    truncated: bytes.length > BODY_LIMIT,
  };
}
