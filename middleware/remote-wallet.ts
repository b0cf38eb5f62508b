/**
 * The orchestrator's wallet, reached over HTTP with the run's capability token: the key is never in the agent's process. Every
 * call may be repeated, so an answer that got lost is simply asked for again.
 */
import { z } from "zod";
import { PurserError } from "../protocol/error.ts";
import { PurchaseRecord } from "../protocol/orchestrator-api.ts";
import type { Secret } from "../protocol/secret.ts";
import { PaymentError } from "./payment-error.ts";
import type { WalletPort } from "./wallet-port.ts";

export interface RemoteWalletOptions {
  readonly orchestratorUrl: string;
  /** The run's capability token. */
  readonly token: Secret;
  readonly fetch?: typeof globalThis.fetch;
  readonly timeoutMs?: number;
}

const Refusal = z.object({
  error: z.object({
    code: z.string().max(100),
    problem: z.string().max(2000),
    nextStep: z.string().max(2000),
    details: z.record(z.string(), z.string()).optional(),
  }),
});

/** How often a call is made before the wallet counts as unreachable. */
const ATTEMPTS = 2;

export function remoteWallet({
  orchestratorUrl,
  token,
  fetch = globalThis.fetch,
  timeoutMs = 15_000,
}: RemoteWalletOptions): WalletPort {
  const base = `${orchestratorUrl.replace(/\/$/, "")}/v1/purchases`;

  async function call(path: string, body?: unknown): Promise<PurchaseRecord | undefined> {
    const response = await attempt(path, body);
    const answer: unknown = await response.json().catch(() => undefined);
    const record = response.ok ? PurchaseRecord.safeParse(answer).data : undefined;
    if (record) return record;
    if (response.status === 404 && body === undefined) return undefined;
    const refusal = Refusal.safeParse(answer).data?.error;
    if (refusal) throw new PurserError(refusal.code, refusal);
    throw unreachable(`it answered with status ${response.status} and nothing that can be read`);
  }

  async function attempt(path: string, body: unknown): Promise<Response> {
    for (let left = ATTEMPTS - 1; ; left -= 1) {
      try {
        return await fetch(`${base}${path}`, {
          redirect: "error",
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            authorization: `Bearer ${token.reveal()}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
          ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
        });
      } catch (cause) {
        if (left === 0) throw unreachable("it did not answer", cause);
      }
    }
  }

  async function mustCall(path: string, body: unknown): Promise<PurchaseRecord> {
    const record = await call(path, body);
    if (record) return record;
    throw unreachable("it answered with nothing");
  }

  return {
    find: (purchase) => call(`/${encodeURIComponent(purchase)}`),
    authorize: (order) => mustCall("", order),
    report: (purchase, outcome) => mustCall(`/${encodeURIComponent(purchase)}/outcome`, outcome),
  };
}

function unreachable(reason: string, cause?: unknown): PaymentError {
  return new PaymentError("WALLET_UNREACHABLE", {
    problem: `The wallet cannot be reached: ${reason}.`,
    nextStep: "Ask for the same purchase again when it is back; what was reserved waits there.",
    cause,
  });
}
