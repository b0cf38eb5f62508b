/**
 * `purser wallet reconcile`: the chain ends what it has an answer for; then every transfer out must be a settled line of the book,
 * to the unit.
 */
import type { Transfer } from "../chain/index.ts";
import { formatDecimal } from "../protocol/index.ts";
import { restoredAt } from "../scenarios/world/restored-mark.ts";
import type { JoinedWallet } from "../scenarios/world/wallet-folder.ts";
import { adopt, unmark } from "./restored-wallet.ts";
import type { Finding, WalletFlags } from "./wallet.ts";

export async function reconcile(
  joined: JoinedWallet,
  { folder }: Pick<WalletFlags, "folder">,
): Promise<Finding> {
  const { wallet } = joined;
  const open = (await wallet.recover()).length;
  const isRestored = folder !== undefined && restoredAt(folder) !== undefined;
  if (isRestored) for (const each of (await compare(joined)).unexplained) await adopt(joined, each);
  const compared = await compare(joined);
  const agrees = compared.unexplained.length === 0 && compared.missing === 0;
  // Only a book that agrees may pay again, and only when nothing from before can still move.
  const ready = !isRestored || (agrees && (await unmark(folder, joined)));
  return tell(joined, { ...compared, open, ready });
}

interface Comparison {
  readonly settled: number;
  readonly unexplained: readonly Transfer[];
  readonly missing: number;
}

async function compare({ wallet, ledger, chain }: JoinedWallet): Promise<Comparison> {
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
  return { settled: settled.length, unexplained, missing: left.length };
}

function tell(
  { asset }: JoinedWallet,
  { settled, unexplained, missing, open, ready }: Comparison & { open: number; ready: boolean },
): Finding {
  const agrees = unexplained.length === 0 && missing === 0;
  const result = {
    passed: agrees && ready,
    settled,
    open,
    unexplained: unexplained.map(({ to, value, transaction }) => ({
      transaction,
      to,
      amount: formatDecimal(value, asset.decimals),
    })),
    missing,
    ...(ready ? {} : { restored: "not ready to pay" }),
  };
  const lines = [
    `${settled} settled, ${open} open.`,
    ...result.unexplained.map(
      ({ amount, to, transaction }) => `Not in the book: ${amount} to ${to} in ${transaction}.`,
    ),
    ...(missing > 0 ? [`${missing} settled in the book and not on the chain.`] : []),
    ...(agrees ? ["Book and chain agree to the unit."] : []),
    ...(ready
      ? []
      : [
          "It was restored from a backup, and what was sent before may still move: reconcile again in some minutes.",
        ]),
  ];
  return { result, lines, passed: result.passed };
}
