/** The command lines of `purser wallet`, and the options that say which wallet is meant. */
import type { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import type { WalletCommand, WalletFlags } from "./wallet.ts";
import type { BackupFlags } from "./wallet-backup.ts";
import type { ImportFlags } from "./wallet-import.ts";
import type { WithdrawFlags } from "./wallet-withdraw.ts";

const LOOKING: readonly (readonly [WalletCommand, string])[] = [
  ["status", "What it holds, what is open, its signer's limits, and what that is kept from."],
  ["history", "Every purchase, oldest first."],
  [
    "reconcile",
    "Ask the chain about every open payment, and compare it with the book. Exit code 1 when they differ.",
  ],
  ["verify", "Check the book's hash chain and every seal. Exit code 1 when it was changed."],
  ["export", "The journal as JSON, or as CSV with --csv; without secrets."],
];

/** Which wallet a command is about, and how it is opened. */
export function withWallet(command: Command): Command {
  return command
    .option("--world <dir>", "the folder of a world that is up (default: .purser/world)")
    .option("--wallet <dir>", "or a wallet of its own, as `purser wallet import` makes it")
    .option("--rpc <url>", "its network's RPC server (default: RPC_URL)")
    .option("--allow-mainnet", "it may be one of real money")
    .option("--passphrase-file <file>", "the passphrase of its key: a file's first line")
    .option("--passphrase-env <name>", "or the environment variable that holds it");
}

export function addWalletCommands(
  program: Command,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): void {
  const wallet = program
    .command("wallet")
    .description("Look into a wallet: the local world's, or one of its own on any network.");
  for (const [name, description] of LOOKING) {
    const command = withWallet(wallet.command(name).description(description)).option(
      "--json",
      "print one JSON object",
    );
    if (name === "export") command.option("--csv", "as lines for a spreadsheet");
    command.action(async (options: WalletFlags) => {
      const { walletCommand } = await import("./wallet.ts");
      end(await walletCommand(name, options, surroundings));
    });
  }
  wallet
    .command("import")
    .description("Make a wallet around a key: 0x-text or a keystore, on stdin or in a file.")
    .requiredOption("--wallet <dir>", "the wallet's folder, which must not have one yet")
    .requiredOption("--network <name>", "base-sepolia, base, or one of --assets")
    .option("--assets <file>", "tokens of other networks (docs/real-networks.md)")
    .option("--key-file <file>", "the key (default: stdin)")
    .option("--plain", "keep the key unencrypted, mode 600; for test networks")
    .option("--passphrase-file <file>", "the passphrase: a file's first line")
    .option("--passphrase-env <name>", "or the environment variable that holds it")
    .option("--max-per-month <dollars>", "the most its signer signs in a month (default: 100.00)")
    .option("--max-per-provider <dollars>", "for one provider in a month (default: the month's)")
    .option("--max-per-call <dollars>", "for one payment (default: the month's)")
    .option("--allow-mainnet", "it may be one of real money; --max-per-month must be given")
    .option("--json", "print one JSON object")
    .action(async (options: ImportFlags) => {
      const { importCommand } = await import("./wallet-import.ts");
      end(await importCommand(options, surroundings));
    });
  withWallet(
    wallet
      .command("withdraw")
      .description("Send USDC to an address of yours; a facilitator carries it and pays the gas.")
      .argument("<address>", "0x and 40 hexadecimal digits")
      .argument("<dollars>", "how much, such as 5.00; at most what is held and not open"),
  )
    .option("--facilitator <url>", "who sends it (default: FACILITATOR_URL)")
    .option("--max <dollars>", "the most it may be; must be given for real money")
    .option("--key <key>", "the withdrawal's own key: the same key never sends twice")
    .option("--yes", "do not ask")
    .option("--json", "print one JSON object")
    .action(async (address: string, dollars: string, options: WithdrawFlags) => {
      const { withdrawCommand } = await import("./wallet-withdraw.ts");
      end(await withdrawCommand([address, dollars], options, surroundings));
    });
  for (const [name, argument, description] of [
    ["backup", "<file>", "The whole wallet in one encrypted file; also while it is in use."],
    ["restore", "<file>", "A wallet from its backup, into a folder of its own; then reconcile."],
  ] as const) {
    wallet
      .command(name)
      .description(description)
      .argument(argument, "what `backup` writes and `restore` reads (age)")
      .requiredOption("--wallet <dir>", "the wallet's folder")
      .option("--passphrase-file <file>", "the backup's passphrase: a file's first line")
      .option("--passphrase-env <name>", "or the environment variable that holds it")
      .option("--allow-mainnet", "it may be one of real money")
      .option("--json", "print one JSON object")
      .action(async (file: string, options: BackupFlags) => {
        const { backupCommand, restoreCommand } = await import("./wallet-backup.ts");
        const command = name === "backup" ? backupCommand : restoreCommand;
        end(await command(file, options, surroundings));
      });
  }
}
