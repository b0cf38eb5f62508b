/**
 * `purser wallet reconcile`: the chain ends what it has an answer for; then every transfer out must be a settled line of the book,
 * to the unit.
 */
import { formatDecimal } from "../protocol/index.ts";
import type { JoinedWallet } from "../scenarios/index.ts";
import type { Finding } from "./wallet.ts";

export async function reconcile({ wallet, ledger, chain, asset }: JoinedWallet): Promise<Finding> {
  const open = (await wallet.recover()).length;
  const settled = (await ledger.list()).filter(({ state }) => state === "settled");
  const transfers = await chain.transfersFrom(wallet.address);
  const nameOf = (to: string, amount: bigint, transaction: string | undefined) =>
    `${transaction ?? ""} ${to.toLowerCase()} ${amount}`;
  const left = settled.map(({ payTo, amount, transaction }) => nameOf(payTo, amount, transaction));
  const unexplained = transfers.filter(({ to, value, transaction }) => {
    const index = left.indexOf(nameOf(to, value, transaction));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  const passed = unexplained.length === 0 && left.length === 0;
  const result = {
    passed,
    settled: settled.length,
    open,
    unexplained: unexplained.map(({ to, value, transaction }) => ({
      transaction,
      to,
      amount: formatDecimal(value, asset.decimals),
    })),
    missing: left.length,
  };
  const lines = [
    `${settled.length} settled, ${open} open.`,
    ...result.unexplained.map(
      ({ amount, to, transaction }) => `Not in the book: ${amount} to ${to} in ${transaction}.`,
    ),
    ...(left.length > 0 ? [`${left.length} settled in the book and not on the chain.`] : []),
  ];
  if (passed) lines.push("Book and chain agree to the unit.");
  return { result, lines, passed };
}
