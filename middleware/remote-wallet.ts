/**
 * The orchestrator's wallet, reached over HTTP with the run's capability token: the key is never in the agent's process. Every
 * call may be repeated, so an answer that got lost is simply asked for again.
 */
import { PurchaseAnswer, PurchaseRecord } from "../protocol/orchestrator-api.ts";
import {
  type OrchestratorCall,
  orchestratorCalls,
  type OrchestratorCallsOptions,
  unreachable,
} from "./orchestrator-calls.ts";
import type { WalletPort } from "./wallet-port.ts";

export type RemoteWalletOptions = OrchestratorCallsOptions;

const PATH = "/v1/purchases";

export function remoteWallet(options: RemoteWalletOptions): WalletPort {
  const call = orchestratorCalls(options);
  const find = (path: string, rest: Pick<OrchestratorCall<unknown>, "method" | "body">) =>
    call({ path: PATH + path, ...rest, answer: PurchaseRecord });
  const post = async (path: string, body: unknown): Promise<PurchaseRecord> => {
    const record = await find(path, { method: "POST", body });
    if (record) return record;
    throw unreachable("it answered with nothing");
  };
  return {
    find: (purchase) => find(`/${encodeURIComponent(purchase)}`, { method: "GET" }),
    authorize: (order) => post("", order),
    report: (purchase, outcome) => post(`/${encodeURIComponent(purchase)}/outcome`, outcome),
    findAnswer: (purchase) => {
      const path = `${PATH}/${encodeURIComponent(purchase)}/answer`;
      return call({ method: "GET", path, answer: PurchaseAnswer });
    },
  };
}
