/**
 * A door that speaks another protocol before a seller of x402 v2: what is asked, paid and answered is put into that protocol's words, so
 * that the seller behind it, with whatever is wrong with it, is the same.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { closing, listen } from "../../conformance/harness/listen.ts";
import { decodeJson, encodeJson } from "../../protocol/index.ts";

export type Json = Record<string, any>;

/** How a protocol says what x402 v2 says in headers. */
export interface DoorWords {
  /** The `payload` of a payment, the same for the same request; undefined where none was sent, null where it cannot be read. */
  readonly payload: (request: IncomingMessage) => Json | null | undefined;
  /** Adds to a 402; gives its body. */
  readonly ask: (told: Record<string, string>, url: string) => string;
  /** The header of a receipt. */
  readonly receipt: (receipt: Json, ok: boolean) => Readonly<Record<string, string>>;
  /** Further headers that are passed on. */
  readonly passes?: readonly string[];
}

export async function openDoor(
  shopUrl: string,
  { payload, ask, receipt, passes = [] }: DoorWords,
): Promise<AsyncDisposable & { url: string }> {
  const { headers } = await fetch(shopUrl);
  const [offer] = (decodeJson(headers.get("payment-required") ?? "") as Json)["accepts"] as Json[];
  const server = createServer((request, response) => {
    request.resume();
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    pass(request, response, gone.signal).catch(() => response.destroy());
  });

  async function pass(request: IncomingMessage, response: ServerResponse, signal: AbortSignal) {
    const paid = payload(request);
    const payment =
      paid && encodeJson({ x402Version: 2, accepted: offer, payload: paid } satisfies Json);
    const upstream = await fetch(new URL(request.url ?? "/", shopUrl), {
      method: request.method ?? "GET",
      headers: paid === undefined ? {} : { "payment-signature": payment ?? "bm90aGluZw==" },
      redirect: "manual",
      signal,
    });
    const body = await upstream.text();
    const told = Object.fromEntries(
      ["content-type", "cache-control", "retry-after", ...passes].flatMap((name) => {
        const value = upstream.headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
    const asked = upstream.status === 402 ? ask(told, url) : body;
    const settled = upstream.headers.get("payment-response");
    if (settled !== null) Object.assign(told, receipt(decodeJson(settled) as Json, upstream.ok));
    response.writeHead(upstream.status, told);
    response.end(asked);
  }

  const url = `${await listen(server, 0, "PORT")}/paid`;
  return { url, [Symbol.asyncDispose]: () => closing(server) };
}
