/**
 * Sends one request over HTTP/2, on a connection of its own: gates that are written for the header lines of HTTP/1.1 are sometimes not
 * there for the other protocol of the same port.
 */
import {
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { connect as connectTls } from "node:tls";
import { BODY_LIMIT, type HeaderLine, type WireRequest } from "./exchange.ts";
import type { WireClientOptions, WireResult } from "./wire-client.ts";

/** Why there was no exchange where the server does not offer HTTP/2. */
export const NO_HTTP2 = "NO_HTTP2";

/** Fields of a connection, which HTTP/2 does not have (RFC 9113, 8.2.2), and `Host`, which is `:authority` there. */
const OF_HTTP1 = ["host", "connection", "upgrade", "keep-alive", "transfer-encoding"];

/** Only where the server chooses `h2` in the TLS handshake; over plain http nobody says that it can. */
export async function sendHttp2(
  { origin, host, deadlineMs }: WireClientOptions,
  { method, path, headers, body }: WireRequest,
): Promise<WireResult> {
  const { protocol, hostname, port } = new URL(origin);
  if (protocol !== "https:") return { failure: NO_HTTP2 };
  const { promise, resolve } = Promise.withResolvers<WireResult>();
  const socket = connectTls({
    host: host.address,
    port: port === "" ? 443 : Number(port),
    servername: hostname,
    ALPNProtocols: ["h2", "http/1.1"],
  });
  const timer = setTimeout(() => resolve({ failure: "DEADLINE" }), deadlineMs);
  const fail = (error: NodeJS.ErrnoException) => resolve({ failure: error.code ?? "UNREADABLE" });
  socket.on("error", fail);
  socket.on("secureConnect", () => {
    if (socket.alpnProtocol !== "h2") {
      resolve({ failure: NO_HTTP2 });
      return;
    }
    const session = connect(origin, { createConnection: () => socket });
    session.on("error", fail);
    const lines = headers.filter(([name]) => !OF_HTTP1.includes(name.toLowerCase()));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: method,
      [constants.HTTP2_HEADER_PATH]: path,
      ...Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value])),
    });
    stream.on("error", fail);
    const chunks: Buffer[] = [];
    let answered: IncomingHttpHeaders & IncomingHttpStatusHeader = {};
    stream.on("response", (told) => (answered = told));
    const end = () => {
      const bytes = Buffer.concat(chunks);
      resolve({
        answer: {
          status: answered[":status"] ?? 0,
          headers: linesOf(answered),
          body: bytes.subarray(0, BODY_LIMIT).toString("utf8"),
          truncated: bytes.length > BODY_LIMIT,
        },
      });
    };
    let length = 0;
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      // More is not kept, and the connection is closed.
      if (length > BODY_LIMIT) end();
    });
    stream.on("end", end);
    stream.end(body);
  });
  const result = await promise;
  clearTimeout(timer);
  socket.destroy();
  return result;
}

function linesOf(headers: IncomingHttpHeaders): HeaderLine[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(":") || value === undefined
      ? []
      : [value].flat().map((one): HeaderLine => [name, one]),
  );
}
