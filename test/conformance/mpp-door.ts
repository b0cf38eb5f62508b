/**
 * A door that speaks MPP before a seller of x402 v2: what is asked becomes a challenge, a credential a payment, a receipt a receipt. The
 * seller behind it, with whatever is wrong with it, is the same.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { closing, listen } from "../../conformance/harness/listen.ts";
import { decodeJson, encodeJson } from "../../protocol/index.ts";
import { mppHeader } from "./endpoint.ts";

type Json = Record<string, any>;

export async function openMppDoor(shopUrl: string): Promise<AsyncDisposable & { url: string }> {
  const { headers } = await fetch(shopUrl);
  const [offer] = (decodeJson(headers.get("payment-required") ?? "") as Json)["accepts"] as Json[];
  let count = 0;
  const server = createServer((request, response) => {
    request.resume();
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    pass(request, response, gone.signal).catch(() => response.destroy());
  });

  async function pass(request: IncomingMessage, response: ServerResponse, signal: AbortSignal) {
    const { authorization } = request.headers;
    const upstream = await fetch(new URL(request.url ?? "/", shopUrl), {
      method: request.method ?? "GET",
      headers: authorization === undefined ? {} : { "payment-signature": paymentOf(authorization) },
      redirect: "manual",
      signal,
    });
    const body = await upstream.text();
    const told = Object.fromEntries(
      ["content-type", "cache-control", "retry-after"].flatMap((name) => {
        const value = upstream.headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
    if (upstream.status === 402)
      told["www-authenticate"] = mppHeader(undefined, { id: `door-${(count += 1)}-${Date.now()}` });
    const receipt = upstream.headers.get("payment-response");
    if (receipt !== null && upstream.ok) {
      const { transaction, payer } = decodeJson(receipt) as Json;
      const timestamp = new Date().toISOString();
      const own = { status: "success", method: "evm", timestamp, reference: transaction, payer };
      told["payment-receipt"] = Buffer.from(JSON.stringify(own)).toString("base64url");
    }
    response.writeHead(upstream.status, told);
    response.end(body);
  }

  /** The same text for the same credential. */
  function paymentOf(authorization: string): string {
    const text = Buffer.from(authorization.replace(/^Payment /, ""), "base64url").toString();
    if (!text.startsWith("{")) return "bm90aGluZw==";
    const { type: _, signature, ...fields } = (JSON.parse(text) as Json)["payload"] as Json;
    return encodeJson({
      x402Version: 2,
      accepted: offer,
      payload: { signature, authorization: fields },
    });
  }

  const url = `${await listen(server, 0, "PORT")}/paid`;
  return { url, [Symbol.asyncDispose]: () => closing(server) };
}
