/**
 * A facilitator behind a URL. Over `node:http` with connections that stay open, because a sale asks twice and a new connection
 * costs more than the question. Only an answer with status 200 is the facilitator's word: a page of a proxy's is none.
 */
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as TlsAgent, request as httpsRequest } from "node:https";
import { parseJson } from "../../protocol/offer.ts";
import type { NamedFacilitator } from "./facilitator-port.ts";

/** Of an answer, in bytes: more than any facilitator has to say. */
const MAX_ANSWER = 64 * 1024;
/** After which a request that nobody waits for any more is given up. */
const SOCKET_TIMEOUT_MS = 120_000;

export function httpFacilitator(url: string): NamedFacilitator {
  const base = new URL(url.endsWith("/") ? url : `${url}/`);
  const isTls = base.protocol === "https:";
  const options = { keepAlive: true, timeout: SOCKET_TIMEOUT_MS };
  const agent = isTls ? new TlsAgent(options) : new Agent(options);
  const send = isTls ? httpsRequest : httpRequest;
  const ask = async (path: string, body: object, name?: string): Promise<unknown> => {
    const json = JSON.stringify(body);
    const answered = Promise.withResolvers<IncomingMessage>();
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(json),
      ...(name !== undefined && { "idempotency-key": name }),
    };
    const sent = send(new URL(path, base), { method: "POST", agent, headers }, answered.resolve);
    sent.on("error", answered.reject);
    sent.on("timeout", () => sent.destroy());
    sent.end(json);
    const answer = await answered.promise.catch((error: unknown) => {
      // It had closed a connection that was idle. To verify may be asked again; whether a settlement was heard is not known.
      if (path === "verify" && sent.reusedSocket) return undefined;
      throw error;
    });
    return answer ? await readAnswer(answer) : await ask(path, body, name);
  };
  const call =
    (path: string, name?: string) => (paymentPayload: unknown, paymentRequirements: unknown) => {
      const { x402Version } = paymentPayload as { x402Version?: unknown };
      return ask(path, { x402Version, paymentPayload, paymentRequirements }, name);
    };
  return {
    verify: call("verify"),
    settle: call("settle"),
    settleAs: (name, ...payment) => call("settle", name)(...payment),
  };
}

async function readAnswer(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER) return undefined;
    chunks.push(chunk);
  }
  return answer.statusCode === 200 ? parseJson(Buffer.concat(chunks).toString()) : undefined;
}
