/** A chain's RPC server that lies, errs, drops or hangs where a test says so, and passes on what it is asked otherwise. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface RpcRequest {
  id: number;
  method: string;
  params: unknown[];
}

/** Answers in the server's place. `forward` carries the call out, and resolves to the chain's result. */
export type Fault = (call: {
  request: RpcRequest;
  response: ServerResponse;
  forward: () => Promise<unknown>;
  /** Ends the answer with this result. */
  answer: (result: unknown) => void;
}) => void | Promise<void>;

export async function openRpcDouble(target: string) {
  const faults = new Map<string, Fault>();
  const pass = async (body: string) => {
    const headers = { "content-type": "application/json" };
    return (await fetch(target, { method: "POST", headers, body })).text();
  };
  /** One call of a request, which may hold several; a fault that ends or breaks the whole answer leaves nothing to add. */
  const handle = async (request: RpcRequest, response: ServerResponse) => {
    const { id, method } = request;
    const fault = faults.get(method);
    const forward = async () => {
      const text = await pass(JSON.stringify(request));
      return fault ? (JSON.parse(text) as { result: unknown }).result : JSON.parse(text);
    };
    if (!fault) return forward();
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const answer = (result: unknown) => resolve({ jsonrpc: "2.0", id, result });
    await fault({ request, response, forward, answer });
    return response.writableEnded || response.destroyed ? undefined : promise;
  };
  const server = createServer((incoming, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString();
      response.setHeader("content-type", "application/json");
      const asked = JSON.parse(body) as RpcRequest | RpcRequest[];
      const answers = await Promise.all([asked].flat().map((one) => handle(one, response)));
      if (response.writableEnded || response.destroyed) return;
      response.end(JSON.stringify(Array.isArray(asked) ? answers : answers[0]));
    })();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** From now on; undefined for the truth again. */
    set(method: string, fault: Fault | undefined) {
      if (fault) faults.set(method, fault);
      else faults.delete(method);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
