/**
 * An agent's capability token, narrowed for a sub-agent: less budget, fewer providers, an earlier end. The sub-agent's run is known to the
 * orchestrator, so it cannot be forged, it spends of its starter's budget, and it ends the moment that either of them is revoked.
 */
import { z } from "zod";
import { Delegation, type DelegationOrder } from "../protocol/orchestrator-api.ts";
import { Secret } from "../protocol/secret.ts";
import {
  orchestratorCalls,
  type OrchestratorCallsOptions,
  unreachable,
} from "./orchestrator-calls.ts";

export interface DelegatedRun extends Omit<Delegation, "token"> {
  /** For `remoteWallet` in the sub-agent. */
  readonly token: Secret;
  /** Ends it, and what it has started, at once. */
  revoke(): Promise<void>;
}

/**
 * Starts a run for a sub-agent, within the run of `token`. Throws `DELEGATION_WIDER` where it asks for more than that run has,
 * `DELEGATION_LIMIT`, `AMOUNT_INVALID`, `TOKEN_…` or `WALLET_UNREACHABLE`.
 */
export async function delegateRun(
  options: OrchestratorCallsOptions,
  order: DelegationOrder,
): Promise<DelegatedRun> {
  const call = orchestratorCalls(options);
  const made = await call({ method: "POST", path: "/v1/runs", body: order, answer: Delegation });
  if (!made) throw unreachable("it answered with nothing");
  const { token, ...run } = made;
  return {
    ...run,
    token: new Secret(token),
    async revoke() {
      const path = `/v1/runs/${encodeURIComponent(run.id)}`;
      await call({ method: "DELETE", path, answer: z.object({ revoked: z.literal(true) }) });
    },
  };
}
