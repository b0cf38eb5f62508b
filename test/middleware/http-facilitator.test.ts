/** A facilitator behind a URL, whose server closes connections that are idle, as every server does. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { httpFacilitator } from "../../middleware/paywall/http-facilitator.ts";

/** Answers the first request of each connection, and hangs up on the second: a connection that was closed while it was idle. */
async function openForgetful() {
  const calls: string[] = [];
  const used = new WeakSet<object>();
  const server = createServer((request, response) => {
    if (used.has(request.socket)) {
      request.socket.destroy();
      return;
    }
    used.add(request.socket);
    calls.push(request.url ?? "");
    request.resume();
    response.setHeader("content-type", "application/json").end('{"isValid":true}');
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test("to verify is asked again where the connection was stale, and to settle is not", async () => {
  using server = await openForgetful();
  const facilitator = httpFacilitator(server.url);
  const ask = (what: "verify" | "settle") => facilitator[what]({ x402Version: 2 }, {});
  await ask("verify");
  expect(await ask("verify")).toEqual({ isValid: true });
  await expect(ask("settle")).rejects.toThrow(/hang up|ECONNRESET/);
  expect(server.calls).toEqual(["/verify", "/verify"]);
});
