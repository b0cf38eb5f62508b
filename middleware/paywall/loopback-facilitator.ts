/**
 * A facilitator of this process behind a URL of this machine's, for `x402-express`, which takes nothing else. Opened when the first
 * v1 payment comes; its path is a secret, so that nobody else spends its gas.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { FacilitatorRequest, PaywallFacilitator } from "./facilitator-port.ts";

/** Resolves to its URL; it keeps no process alive. */
export async function openLoopback(facilitator: PaywallFacilitator): Promise<string> {
  const path = `/${randomUUID()}`;
  const calls: Readonly<Record<string, (body: FacilitatorRequest) => Promise<unknown>>> = {
    [`${path}/verify`]: (body) => facilitator.verify(body.paymentPayload, body.paymentRequirements),
    [`${path}/settle`]: (body) => facilitator.settle(body.paymentPayload, body.paymentRequirements),
  };
  const server = createServer((request, response) => {
    const call = calls[request.url ?? ""];
    const answer = async () => {
      const told = call && (await call((await json(request)) as FacilitatorRequest));
      response.statusCode = told === undefined ? 404 : 200;
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(told ?? {}));
    };
    // What it throws says nothing about the payment.
    answer().catch(() => response.writeHead(503).end("{}"));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(0, "127.0.0.1", resolve);
  await promise;
  server.unref();
  server.on("connection", (socket) => socket.unref());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}
