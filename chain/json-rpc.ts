/**
 * JSON-RPC to a chain's server over connections that are kept open, for the few calls whose time counts; all else goes through
 * viem. What the server refuses and what it does not answer are different errors: only the first is an answer.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { urlToHttpOptions } from "node:url";
import { ChainError } from "./error.ts";

/** The server's "no". Its words may repeat what was sent, so they are for a log at most. */
export class RpcRefusal extends Error {
  /** JSON-RPC's, such as -32601 for a method that it does not have. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = "RpcRefusal";
    this.code = code;
  }
}

/** The JSON text of a call's parameters, where the caller has it: writing a call's code anew each time takes longer than all else of it. */
type ParamsText = string;

export interface JsonRpc {
  /** Asks once; throws `RpcRefusal`, or `CHAIN_UNREACHABLE` where nothing that can be read came back in time. */
  request(method: string, params: readonly unknown[] | ParamsText): Promise<unknown>;
}

export interface JsonRpcOptions {
  rpcUrl: string;
  /** For one whole call. */
  timeoutMs: number;
}

/** Connections are closed by themselves when nobody uses them, and keep no program from ending. */
export function openJsonRpc({ rpcUrl, timeoutMs }: JsonRpcOptions): JsonRpc {
  const url = new URL(rpcUrl);
  const isSecure = url.protocol === "https:";
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true })
    : new HttpAgent({ keepAlive: true, noDelay: true });
  const send = isSecure ? httpsRequest : httpRequest;
  const target = { ...urlToHttpOptions(url), method: "POST", agent };
  let id = 0;

  const post = (body: string, repeats: number): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let isAnswered = false;
    // All that is asked is ASCII, which is written as it is.
    const headers = { "content-type": "application/json", "content-length": body.length };
    const request = send({ ...target, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        isAnswered = true;
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
        else reject(new Error(`HTTP ${response.statusCode}`));
      });
    });
    const timer = setTimeout(() => request.destroy(new Error("no answer in time")), timeoutMs);
    request.on("error", (error: NodeJS.ErrnoException) => {
      // A kept connection that the server has just closed says nothing about the question.
      const isStale = request.reusedSocket && error.code === "ECONNRESET";
      if (isStale && repeats > 0) resolve(post(body, repeats - 1));
      else reject(error);
    });
    request.on("close", () => {
      clearTimeout(timer);
      // An error that is made in vain costs more than all the rest of this.
      if (!isAnswered) reject(new Error("the connection was closed"));
    });
    request.end(body, "latin1");
    return promise;
  };

  return {
    async request(method, params) {
      id += 1;
      let answer: { result?: unknown; error?: { code?: unknown; message?: unknown } };
      try {
        // A send that is repeated behind its caller's back could not be told from a failed one.
        const repeats = method.startsWith("eth_send") ? 0 : 1;
        const text = typeof params === "string" ? params : JSON.stringify(params);
        const body = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${text}}`;
        answer = JSON.parse(await post(body, repeats));
      } catch (error) {
        throw silent(method, error);
      }
      const { result, error } = answer ?? {};
      if (error) throw new RpcRefusal(Number(error.code), String(error.message));
      if (result === undefined) throw silent(method, new Error("no JSON-RPC answer"));
      return result;
    },
  };
}

/** A network error's code and our own words have no URL in them; JSON's complaint may repeat the body. */
function silent(method: string, error: unknown): ChainError {
  const { code, message } = error as { code?: string; message: string };
  const why = error instanceof SyntaxError ? "no JSON" : (code ?? message);
  return new ChainError("CHAIN_UNREACHABLE", {
    problem: `The RPC server did not answer ${method}: ${why}.`,
    nextStep: "Check that the RPC server runs and is of this chain, then try again.",
  });
}
