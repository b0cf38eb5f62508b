/**
 * Sends bytes that no HTTP library would write, such as a header folded over two lines, and reads how they were answered: what a
 * server makes of them decides whether a proxy and it see the same request.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { BODY_LIMIT, type HeaderLine, type WireRequest } from "./exchange.ts";
import type { WireClientOptions, WireResult } from "./wire-client.ts";

/** A connection to the endpoint, open for whatever is written to it. */
export function openSocket({ origin, host }: Pick<WireClientOptions, "origin" | "host">): Socket {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === "https:";
  const where = { host: host.address, port: port === "" ? (secure ? 443 : 80) : Number(port) };
  return secure ? connectTls({ ...where, servername: hostname }) : connectTcp(where);
}

/** The request as text, for a change that only text can hold. */
export function writeHead({ method, path, headers }: WireRequest): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`;
}

/** Sends the text and reads what comes back until the server closes, or `BODY_LIMIT` is full. */
export async function sendRaw(options: WireClientOptions, text: string): Promise<WireResult> {
  const socket = openSocket(options);
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve("DEADLINE"), options.deadlineMs);
  let length = 0;
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    // More is not kept, and the connection is closed.
    if (length > BODY_LIMIT) resolve(undefined);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "UNREADABLE"));
  socket.on("close", () => resolve(undefined));
  socket.end(Buffer.from(text, "latin1"));
  const failure = await promise;
  clearTimeout(timer);
  socket.destroy();
  const answer = readAnswer(Buffer.concat(chunks).toString("latin1"));
  return answer ? { answer } : { failure: failure ?? "NO_ANSWER" };
}

function readAnswer(text: string) {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers = lines.map((line): HeaderLine => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1).trim()];
  });
  const truncated = text.length > BODY_LIMIT;
  return { status: Number(status), headers, body: rest.join("\r\n\r\n"), truncated };
}
