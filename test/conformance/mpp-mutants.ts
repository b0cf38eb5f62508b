/** Faults of an MPP server that really sells: our paywall, behind somebody who changes what it answers. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { keccak256, stringToBytes } from "viem";

interface Told {
  status: number;
  headers: Record<string, string>;
  body: string;
}

interface Asked {
  readonly request: IncomingMessage;
  /** Decoded, where the request carries one. */
  readonly credential: Record<string, any> | undefined;
  /** How many requests with this credential came before it. */
  readonly copies: number;
}

type Meddling = (told: Told, asked: Asked) => Told;

const withHeaders = (told: Told, headers: Record<string, string>): Told => ({
  ...told,
  headers: { ...told.headers, ...headers },
});
let answered = 0;
const anew = (told: Told): Told => ({ ...told, body: `{"answer":${answered++}}` });

export const MPP_RING_2: readonly (readonly [kills: string, fault: string, meddle: Meddling])[] = [
  [
    "MPP-05",
    "lets caches keep its receipts",
    (told) => withHeaders(told, { "cache-control": "public, max-age=60" }),
  ],
  [
    "MPP-12",
    "works once for each copy of a credential",
    (told, { copies }) => (told.status < 300 && copies > 0 ? anew(told) : told),
  ],
  [
    "MPP-14",
    "works again for a retry with the same key",
    (told, { request }) =>
      told.status < 300 && request.headers["idempotency-key"] !== undefined ? anew(told) : told,
  ],
  [
    "MPP-15",
    "does not look which challenge was signed",
    (told, { credential }) => {
      if (!credential) return told;
      const { id, realm } = credential["challenge"] as Record<string, string>;
      const right = keccak256(stringToBytes(`${id}${realm}`));
      return credential["payload"].nonce === right ? told : { ...told, status: 200, body: "{}" };
    },
  ],
];

/** The same, where its facilitator says no. */
export const MPP_RING_3: typeof MPP_RING_2 = [
  [
    "MPP-20",
    "answers what does not verify with 403",
    (told, { credential }) =>
      credential && told.status === 402 ? { ...told, status: 403, body: "{}" } : told,
  ],
  [
    "MPP-21",
    "gives a receipt for what it refuses",
    (told, { credential }) =>
      credential && told.status === 402
        ? withHeaders(told, { "payment-receipt": Buffer.from("{}").toString("base64url") })
        : told,
  ],
];

/** A server that passes everything on to `upstream`, and what is answered through `meddle`. */
export async function openMeddler(upstream: string, meddle: Meddling) {
  const copies = new Map<string, number>();
  const server = createServer((request, response) => {
    void pass(request).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.destroy(),
    );
  });
  async function pass(request: IncomingMessage): Promise<Told> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { host: _, connection: __, ...headers } = request.headers as Record<string, string>;
    const body = Buffer.concat(chunks);
    const answer = await fetch(upstream + request.url, {
      method: request.method ?? "GET",
      headers,
      redirect: "manual",
      ...(body.length > 0 ? { body } : {}),
    });
    const text = headers["authorization"]?.replace(/^Payment /, "");
    const before = text === undefined ? 0 : (copies.get(text) ?? 0);
    if (text !== undefined) copies.set(text, before + 1);
    const dropped = ["content-length", "transfer-encoding", "connection", "content-encoding"];
    const kept = [...answer.headers].filter(([name]) => !dropped.includes(name));
    const told = {
      status: answer.status,
      headers: Object.fromEntries(kept),
      body: await answer.text(),
    };
    return meddle(told, { request, credential: read(text), copies: before });
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

function read(text: string | undefined): Record<string, any> | undefined {
  try {
    return JSON.parse(Buffer.from(text ?? "", "base64url").toString()) as Record<string, any>;
  } catch {
    return undefined;
  }
}
