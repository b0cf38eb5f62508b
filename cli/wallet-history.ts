/** `purser wallet history`: every authorization of the book, oldest first. */
import { formatDecimal } from "../protocol/index.ts";
import type { JoinedWallet } from "../scenarios/index.ts";
import { alignTable } from "./table.ts";
import { plain } from "./terminal.ts";
import type { Finding } from "./wallet.ts";

export async function findHistory({ ledger, asset }: JoinedWallet): Promise<Finding> {
  const purchases = (await ledger.list()).map((entry) => ({
    at: new Date(entry.reservedAt).toISOString(),
    purchase: entry.purchase,
    service: entry.service,
    amount: formatDecimal(entry.amount, asset.decimals),
    payTo: entry.payTo,
    state: entry.state,
    ...(entry.transaction === undefined ? {} : { transaction: entry.transaction }),
  }));
  const rows = purchases.map(({ at, amount, state, service, payTo }) => [
    at,
    amount,
    state,
    plain(service, 60),
    payTo,
  ]);
  const lines =
    rows.length === 0
      ? ["Nothing has been paid for yet."]
      : alignTable([["when", "amount", "state", "for", "to"], ...rows]);
  return { result: { purchases }, lines, passed: true };
}
