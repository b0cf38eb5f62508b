/** What a trace is told of a payment: never its bytes. */
import type { PurchaseRecord } from "../protocol/orchestrator-api.ts";
import type { TraceEvent } from "../protocol/trace.ts";

export function paymentEvent({
  id: purchase,
  provider,
  service,
  state,
  amount,
  asset,
  network,
  payTo,
  transaction,
}: PurchaseRecord): TraceEvent {
  const facts = { purchase, provider, service, state, amount, asset, network, payTo };
  return { type: "payment", ...facts, ...(transaction === undefined ? {} : { transaction }) };
}
