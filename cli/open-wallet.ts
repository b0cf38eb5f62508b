/**
 * The wallet that a command is about: the one in a folder of its own, on whatever network that is for, or the local world's. Real
 * money is not touched, nor looked at, unless the command line says so. Only the wallet's own code is loaded, and not the worlds,
 * the agent and the runner beside it, which would be half a second of every command.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Asset } from "../protocol/index.ts";
import { joinWallet } from "../scenarios/world/join-wallet.ts";
import {
  type JoinedWallet,
  openWalletFolder,
  walletFiles,
} from "../scenarios/world/wallet-folder.ts";
import { readPath } from "./arguments.ts";
import { UsageError } from "./exit.ts";
import { type PassphraseFlags, readPassphrase } from "./passphrase.ts";
import type { Surroundings } from "./surroundings.ts";
import { readSettings } from "./wallet-settings.ts";

export interface OpenWalletFlags extends PassphraseFlags {
  world?: string;
  wallet?: string;
  rpc?: string;
  allowMainnet?: true;
}

function worldFolder(world: string | undefined, cwd: string): string {
  return world === undefined ? join(cwd, ".purser", "world") : readPath(world, cwd);
}

/** The wallet for a command that pays; one that was restored from a backup does not. */
export async function openPayingWallet(
  flags: OpenWalletFlags,
  surroundings: Pick<Surroundings, "env" | "cwd" | "terminal">,
): Promise<JoinedWallet> {
  return openWallet(flags, surroundings, { restored: false });
}

/** The wallet for a command that looks, or that reconciles. */
export async function openWallet(
  flags: OpenWalletFlags,
  surroundings: Pick<Surroundings, "env" | "cwd" | "terminal">,
  { restored = true }: { restored?: boolean } = {},
): Promise<JoinedWallet> {
  const { cwd } = surroundings;
  if (flags.wallet === undefined) return joinWallet(worldFolder(flags.world, cwd));
  const folder = readPath(flags.wallet, cwd);
  const { asset, limits } = readSettings(folder);
  requireAllowed(asset, flags);
  const rpcUrl = rpcOf(flags, surroundings);
  const passphrase = isEncrypted(folder) ? await readPassphrase(flags, surroundings) : undefined;
  return openWalletFolder({
    folder,
    rpcUrl,
    asset,
    limits,
    passphrase,
    restored,
    allowMainnet: asset.mainnet,
  });
}

/** Real money: only where the command line says so. */
export function requireAllowed(asset: Asset, { allowMainnet }: { allowMainnet?: true }): void {
  if (!asset.mainnet || allowMainnet === true) return;
  throw new UsageError("MAINNET_NOT_ALLOWED", {
    problem: `${asset.networkName} is a mainnet: its ${asset.symbol} is real money.`,
    nextStep: "If that is meant, say --allow-mainnet, and --max where something is paid.",
  });
}

function rpcOf({ rpc }: Pick<OpenWalletFlags, "rpc">, { env }: Pick<Surroundings, "env">): string {
  const text = rpc ?? env["RPC_URL"];
  // It may hold a key in its path, so it is never repeated.
  if (text !== undefined && /^https?:$/.test(URL.parse(text)?.protocol ?? "")) return text;
  throw new UsageError("URL_INVALID", {
    problem: "There is no RPC server's URL, or it is none of http or https.",
    nextStep: "Give --rpc <url>, or set RPC_URL.",
  });
}

function isEncrypted(folder: string): boolean {
  try {
    return readFileSync(walletFiles(folder).key, "utf8").trimStart().startsWith("{");
  } catch {
    return false;
  }
}
