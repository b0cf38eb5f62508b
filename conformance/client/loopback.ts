/** Servers on this machine for a stage: each request is read whole, answered as it is told, and can be kept as evidence. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Exchange, type HeaderLine } from "../wire/exchange.ts";
import type { Reply } from "./scene.ts";

export interface Loopback extends AsyncDisposable {
  readonly url: string;
}

/** More of a request's body than this is not read. */
const BODY_LIMIT = 256 * 1024;

/** Opens one on a free port; a handler that throws closes the connection. */
export async function openLoopback(
  handle: (request: IncomingMessage, body: string) => Promise<Reply>,
): Promise<Loopback> {
  const server = createServer((request, response) => {
    void readBody(request)
      .then((body) => handle(request, body))
      .then(
        (reply) => send(reply, request, response),
        () => response.destroy(),
      );
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(reply: Reply, { method }: IncomingMessage, response: ServerResponse): void {
  if (reply === "drop") {
    response.destroy();
    return;
  }
  response.writeHead(reply.status, reply.headers);
  response.end(method === "HEAD" ? undefined : reply.body);
}

interface Exchanged {
  readonly index: number;
  readonly origin: string;
  readonly startedAt: number;
  readonly body: string;
  readonly reply: Reply;
}

/** What passed, as evidence. */
export function exchangeOf(request: IncomingMessage, exchanged: Exchanged): Exchange {
  const { index, origin, startedAt, body, reply } = exchanged;
  const { method = "", url: path = "", rawHeaders } = request;
  const headers = rawHeaders.flatMap((name, at): HeaderLine[] =>
    at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""]] : [],
  );
  return {
    index,
    origin,
    request: { method, path, headers, body: body === "" ? undefined : body },
    startedAt,
    ms: Date.now() - startedAt,
    answer:
      reply === "drop"
        ? undefined
        : {
            status: reply.status,
            headers: Object.entries(reply.headers),
            body: reply.body,
            truncated: false,
          },
    failure: reply === "drop" ? "closed by the shop" : undefined,
  };
}
