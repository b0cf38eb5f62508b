/** `purser wallet`, as far as it only looks: what the wallet holds and has paid, and whether book and chain agree. */
import type { JoinedWallet } from "../scenarios/index.ts";
import { readPath } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { openWallet, type OpenWalletFlags } from "./open-wallet.ts";
import type { Surroundings } from "./surroundings.ts";
import { exportJournal } from "./wallet-export.ts";
import { findHistory } from "./wallet-history.ts";
import { reconcile } from "./wallet-reconcile.ts";
import { findStatus } from "./wallet-status.ts";

/** What a command found: an object for a program, lines for a person. */
export interface Finding {
  readonly result: object;
  readonly lines: readonly string[];
  readonly passed: boolean;
}

export interface WalletFlags extends OpenWalletFlags {
  /** Of `export`. */
  csv?: true;
  /** The folder of a wallet of its own. */
  folder?: string;
}

const COMMANDS = {
  status: findStatus,
  history: findHistory,
  reconcile,
  verify,
  export: exportJournal,
} as const satisfies Record<string, (joined: JoinedWallet, flags: WalletFlags) => Promise<Finding>>;
export type WalletCommand = keyof typeof COMMANDS;

export async function walletCommand(
  name: WalletCommand,
  flags: WalletFlags,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal, json } = surroundings;
  await using joined = await openWallet(flags, surroundings);
  const { result, lines, passed } = await COMMANDS[name](joined, {
    ...flags,
    ...(flags.wallet === undefined ? {} : { folder: readPath(flags.wallet, surroundings.cwd) }),
  });
  if (json) terminal.out(JSON.stringify(result, undefined, 2));
  else for (const line of lines) terminal.out(line);
  return passed ? EXIT.passed : EXIT.notPassed;
}

/** The hash chain and every seal of the book, from the first line on; a book that was changed is an error. */
async function verify({ ledger }: JoinedWallet): Promise<Finding> {
  const { lines, authorizations, head } = await ledger.verify();
  return {
    result: { passed: true, lines, authorizations, head },
    lines: [
      `The book is what was written: ${authorizations} authorizations in ${lines} lines.`,
      `Its head is ${head}: kept elsewhere, it tells an older copy of the book from this one.`,
    ],
    passed: true,
  };
}
