/** `purser wallet`: what the local world's wallet holds and has paid, and whether book and chain agree. */
import { join } from "node:path";
import { formatDecimal } from "../protocol/index.ts";
import { isOpen } from "../store/index.ts";
import { joinWallet, type JoinedWallet } from "../scenarios/index.ts";
import { readPath } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import type { WalletCommand, WalletFlags } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";
import { alignTable } from "./table.ts";
import { plain } from "./terminal.ts";

export function worldFolder(world: string | undefined, cwd: string): string {
  return world === undefined ? join(cwd, ".purser", "world") : readPath(world, cwd);
}

/** What a command found: an object for a program, lines for a person. */
interface Finding {
  readonly result: object;
  readonly lines: readonly string[];
  readonly passed: boolean;
}

const COMMANDS: Readonly<Record<WalletCommand, (joined: JoinedWallet) => Promise<Finding>>> = {
  status: findStatus,
  history: findHistory,
  reconcile,
};

export async function walletCommand(
  name: WalletCommand,
  { world }: WalletFlags,
  { terminal, json, cwd }: Surroundings,
): Promise<ExitCode> {
  await using joined = await joinWallet(worldFolder(world, cwd));
  const { result, lines, passed } = await COMMANDS[name](joined);
  if (json) terminal.out(JSON.stringify(result, undefined, 2));
  else for (const line of lines) terminal.out(line);
  return passed ? EXIT.passed : EXIT.notPassed;
}

async function findStatus({ wallet, ledger, chain, asset, restrictions }: JoinedWallet) {
  const usd = (amount: bigint) => formatDecimal(amount, asset.decimals);
  const entries = await ledger.list();
  const sum = (included: (entry: (typeof entries)[number]) => boolean) =>
    usd(entries.filter(included).reduce((total, { amount }) => total + amount, 0n));
  const result = {
    address: wallet.address,
    network: asset.network,
    asset: asset.symbol,
    balance: usd(await chain.balanceOf(wallet.address)),
    settled: sum(({ state }) => state === "settled"),
    open: sum(({ state }) => isOpen(state)),
    signer: { process: "its own", keptFrom: restrictions },
  };
  const lines = [
    `${result.address} holds ${result.balance} ${result.asset} on ${result.network}.`,
    `Settled: ${result.settled}. Open, and counted as spent: ${result.open}.`,
    `The key is in a process of its own, which Node keeps from: ${restrictions.join(", ")}.`,
  ];
  return { result, lines, passed: true };
}

async function findHistory({ ledger, asset }: JoinedWallet) {
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

/** The chain ends what it has an answer for; then every transfer out must be a settled line of the book, to the unit. */
async function reconcile({ wallet, ledger, chain, asset }: JoinedWallet) {
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
  const result = {
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
  const passed = unexplained.length === 0 && left.length === 0;
  if (passed) lines.push("Book and chain agree to the unit.");
  return { result, lines, passed };
}
