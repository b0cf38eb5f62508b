/** `purser wallet export`: the journal, line by line, as JSON or CSV. No key, no signature and no payment's bytes are in it. */
import { formatDecimal } from "../protocol/index.ts";
import type { JoinedWallet } from "../scenarios/index.ts";
import type { Finding, WalletFlags } from "./wallet.ts";

const COLUMNS = ["at", "purchase", "nonce", "from", "to", "credit", "debit", "amount"] as const;

export async function exportJournal(
  { ledger, asset, wallet }: JoinedWallet,
  { csv }: WalletFlags,
): Promise<Finding> {
  const journal = (await ledger.journal()).map((line) => ({
    ...line,
    at: new Date(line.at).toISOString(),
    from: line.from ?? null,
    amount: formatDecimal(line.amount, asset.decimals),
  }));
  const result = { address: wallet.address, network: asset.network, asset: asset.symbol, journal };
  const rows = journal.map((line) => COLUMNS.map((name) => cell(line[name] ?? "")).join(","));
  const lines = csv ? [COLUMNS.join(","), ...rows] : [JSON.stringify(result, undefined, 2)];
  return { result, lines, passed: true };
}

/** RFC 4180; and what a spreadsheet would take for a formula is text. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
