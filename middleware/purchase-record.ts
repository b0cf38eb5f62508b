/** A ledger entry as the parties see it. */
import type { Asset } from "../protocol/asset.ts";
import { formatDecimal } from "../protocol/money.ts";
import type { PurchaseRecord } from "../protocol/orchestrator-api.ts";
import type { LedgerEntry } from "../store/index.ts";

/** The record, with the payment's bytes where it has some and they can still be of use: released ones are dead. */
export function readPurchase(entry: LedgerEntry, asset: Asset): PurchaseRecord {
  const { purchase: id, provider, service, state, amount, payTo, transaction, payment } = entry;
  const { fingerprint: request } = entry;
  return {
    id,
    provider,
    service,
    state,
    amount: formatDecimal(amount, asset.decimals),
    asset: asset.address,
    network: asset.network,
    payTo,
    request,
    ...(transaction === undefined ? {} : { transaction }),
    ...(payment === undefined || state === "released" ? {} : { payment: { ...payment.reveal() } }),
  };
}
