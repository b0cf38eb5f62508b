/** JSON-RPC to our own anvil: several calls in one request, in order, each of which must succeed. */
import { ChainError } from "../error.ts";

export interface RpcCall {
  method: string;
  params: readonly unknown[];
}

interface RpcAnswer {
  id: number;
  result?: unknown;
  error?: { message: string };
}

/** Sends the calls, and returns their results; throws `CHAIN_UNREACHABLE` when one fails. */
export async function callRpc(rpcUrl: string, calls: readonly RpcCall[]): Promise<unknown[]> {
  if (calls.length === 0) return [];
  const body = JSON.stringify(calls.map((call, id) => ({ jsonrpc: "2.0", id, ...call })));
  const headers = { "content-type": "application/json" };
  let answers: RpcAnswer[];
  try {
    const response = await fetch(rpcUrl, { method: "POST", headers, body });
    answers = (await response.json()) as RpcAnswer[];
  } catch (cause) {
    throw failed("it does not answer", cause);
  }
  return calls.map(({ method }, id) => {
    const answer = answers.find((answer) => answer.id === id);
    if (!answer || answer.error)
      throw failed(`${method}: ${answer?.error?.message ?? "no answer"}`);
    return answer.result;
  });
}

function failed(reason: string, cause?: unknown): ChainError {
  return new ChainError("CHAIN_UNREACHABLE", {
    problem: `The local chain refused a call: ${reason}.`,
    nextStep: "Start it again; if it ended by itself, see anvil.log in its folder.",
    cause,
  });
}
