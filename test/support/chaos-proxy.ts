/**
 * A loopback proxy that passes HTTP on byte by byte, except where it is told to fail: then it does one of the things that networks
 * and servers do to a paid request. Its chance comes from a seed. It reads no more of HTTP than where a request ends.
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Random, seeded } from "./random.ts";

/** What happens to a request; each is about the caller's connection, and `forward` is the server's whole answer to it. */
export const WIRE_FAULTS = {
  "reset before it is forwarded": async ({ client }) => void client.resetAndDestroy(),
  "reset with half of it forwarded": async ({ client, request, upstream }) => {
    const server = upstream();
    await write(server, request.subarray(0, request.length >> 1));
    server.resetAndDestroy();
    client.resetAndDestroy();
  },
  "forwarded, and the answer dropped": async ({ client, forward }) => {
    await forward();
    client.destroy();
  },
  "reset after some bytes of the answer": async ({ client, forward, random }) => {
    const answer = await forward();
    await write(client, answer.subarray(0, random.below(answer.length)));
    client.resetAndDestroy();
  },
  "half of the answer's body": async ({ client, forward }) => {
    const answer = await forward();
    const body = answer.indexOf("\r\n\r\n") + 4;
    client.end(answer.subarray(0, body + ((answer.length - body) >> 1)));
  },
  "forwarded, and then silence": async ({ forward }) => void (await forward()),
  "sent to the server twice": async ({ client, forward }) => {
    const [answer] = await Promise.all([forward(), forward()]);
    client.end(answer);
  },
  "the answer in a slow drip": async ({ client, forward, random }) => {
    const answer = await forward();
    for (let at = 0; at < answer.length;) {
      const next = at + 1 + random.below(64);
      await write(client, answer.subarray(at, next));
      await new Promise((resolve) => setTimeout(resolve, 1));
      at = next;
    }
    client.end();
  },
  "a 500 after it was carried out": async ({ client, forward }) => {
    await forward();
    client.end("HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\noops");
  },
  "garbage for an answer": async ({ client, forward, random }) => {
    await forward();
    client.end(Buffer.from(Array.from({ length: 400 }, () => random.below(256))));
  },
  "a header of 10 MB": async ({ client, forward }) => {
    await forward();
    client.write("HTTP/1.1 200 OK\r\nX-Large: ");
    client.end(Buffer.alloc(10 * 1024 * 1024, "x"));
  },
} as const satisfies Record<string, (way: Way) => Promise<void>>;

export type WireFault = keyof typeof WIRE_FAULTS;

interface Way {
  readonly client: Socket;
  readonly request: Buffer;
  readonly random: Random;
  readonly upstream: () => Socket;
  readonly forward: () => Promise<Buffer>;
}

export interface ChaosProxy extends AsyncDisposable {
  readonly url: string;
  /** What happens to each request that it is for, from now on. */
  fault: WireFault | undefined;
  /** How many requests it has happened to. */
  hits: number;
}

export interface ChaosProxyOptions {
  /** The server's origin. */
  readonly target: string;
  readonly seed: number;
  /** Which requests may fail, by their head. */
  readonly applies: (head: string) => boolean;
}

export async function openChaosProxy(options: ChaosProxyOptions): Promise<ChaosProxy> {
  const { hostname, port } = new URL(options.target);
  const random = seeded(options.seed);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // A connection that breaks is what this is for.
    return socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  const upstream = () => keep(connect(Number(port), hostname));
  const handle = async (client: Socket, request: Buffer): Promise<void> => {
    const forward = () => exchange(upstream(), request);
    const { fault } = proxy;
    if (fault === undefined || !options.applies(headOf(request))) {
      client.end(await forward());
      return;
    }
    proxy.hits += 1;
    await WIRE_FAULTS[fault]({ client, request, random, upstream, forward });
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    let read = Buffer.alloc(0);
    keep(client).on("data", (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      if (!isWhole(read)) return;
      // One request for each connection: the server is told so, and tells the caller.
      const request = read.toString("latin1").replace(/\r\nconnection:[^\r]*/i, "");
      read = Buffer.alloc(0);
      const closing = request.replace("\r\n", "\r\nConnection: close\r\n");
      handle(client, Buffer.from(closing, "latin1")).catch(() => client.destroy());
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const proxy: ChaosProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: undefined,
    hits: 0,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      await promise;
    },
  };
  return proxy;
}

/** Sends a request, and resolves to all that came back before the connection ended. */
function exchange(server: Socket, request: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  server.on("data", (chunk: Buffer) => chunks.push(chunk));
  server.write(request);
  return new Promise((resolve) => server.once("close", () => resolve(Buffer.concat(chunks))));
}

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

function headOf(request: Buffer): string {
  return request.subarray(0, request.indexOf("\r\n\r\n")).toString("latin1");
}

function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(headOf(bytes))?.[1] ?? "0";
  return bytes.length >= end + 4 + Number(length);
}
