/**
 * The facilitator behind a URL of this machine's, for `x402-express`, which takes nothing else, and believes a yes for another payer:
 * that one does not come through. Opened when the first v1 payment comes; its path is a secret, so that nobody else spends its gas.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type {
  FacilitatorRequest,
  NamedFacilitator,
  PaywallFacilitator,
} from "./facilitator-port.ts";

/** Resolves to its URL; it keeps no process alive. */
export async function openLoopback(
  facilitator: PaywallFacilitator | NamedFacilitator,
): Promise<string> {
  const path = `/${randomUUID()}`;
  const calls: Readonly<
    Record<string, (body: FacilitatorRequest, name: string) => Promise<unknown>>
  > = {
    [`${path}/verify`]: async (body) =>
      ofPayer(body, await facilitator.verify(body.paymentPayload, body.paymentRequirements)),
    [`${path}/settle`]: ({ paymentPayload, paymentRequirements }, name) =>
      "settleAs" in facilitator
        ? facilitator.settleAs(name, paymentPayload, paymentRequirements)
        : facilitator.settle(paymentPayload, paymentRequirements),
  };
  const server = createServer((request, response) => {
    const call = calls[request.url ?? ""];
    const answer = async () => {
      const name = String(request.headers["idempotency-key"] ?? "");
      const told = call && (await call((await json(request)) as FacilitatorRequest, name));
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

/** The answer, where it names the payer who was asked about, or none. */
function ofPayer({ paymentPayload }: FacilitatorRequest, answer: unknown): unknown {
  const { payer } = (answer ?? {}) as { payer?: unknown };
  const { payload } = paymentPayload as { payload?: { authorization?: { from?: unknown } } };
  const from = payload?.authorization?.from;
  if (typeof payer !== "string" || typeof from !== "string") return answer;
  return payer.toLowerCase() === from.toLowerCase() ? answer : undefined;
}
