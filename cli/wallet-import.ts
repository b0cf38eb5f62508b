/**
 * `purser wallet import`: makes a wallet's folder around a key that a person brings, as 0x-text or as a keystore. The key is kept
 * encrypted unless they ask for the plain one.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { isHex, size } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { decryptKey, encryptKey, readKeystore } from "../middleware/keystore/index.ts";
import { formatDecimal, Secret } from "../protocol/index.ts";
import { openKeyFile } from "../scenarios/world/key-file.ts";
import { walletFiles } from "../scenarios/world/wallet-folder.ts";
import { makeFolder } from "./make-folder.ts";
import { readAmount, readPath } from "./arguments.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import { requireAllowed } from "./open-wallet.ts";
import { type PassphraseFlags, readPassphrase } from "./passphrase.ts";
import type { Surroundings } from "./surroundings.ts";
import { findNetwork, settingsFile, writeSettings } from "./wallet-settings.ts";

export interface ImportFlags extends PassphraseFlags {
  wallet: string;
  network: string;
  assets?: string;
  keyFile?: string;
  plain?: true;
  maxPerCall?: string;
  maxPerProvider?: string;
  maxPerMonth?: string;
  allowMainnet?: true;
}

export async function importCommand(
  flags: ImportFlags,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { cwd, terminal, json } = surroundings;
  const folder = readPath(flags.wallet, cwd);
  const asset = findNetwork(flags.network, flags.assets && readPath(flags.assets, cwd));
  requireAllowed(asset, flags);
  const limits = readLimits(flags, asset.mainnet);
  const files = walletFiles(folder);
  if (existsSync(settingsFile(folder)) || existsSync(files.key)) {
    throw new UsageError("USAGE", {
      problem: `There is a wallet in ${folder} already.`,
      nextStep: "Name another folder; a wallet's key is never replaced.",
    });
  }
  const { content, address, encrypted } = await readKey(flags, surroundings);
  makeFolder(folder);
  writeFileSync(files.key, content.reveal(), { mode: 0o600, flag: "wx", flush: true });
  openKeyFile(files.seal);
  openKeyFile(files.nonceSecret);
  writeSettings(folder, { asset, limits });
  const result = {
    wallet: folder,
    address,
    network: asset.network,
    asset: asset.symbol,
    encrypted,
    limits,
  };
  if (json) terminal.out(JSON.stringify(result, undefined, 2));
  else {
    terminal.out(
      `${address} is the wallet in ${folder}, for ${asset.symbol} on ${asset.networkName}.`,
    );
    terminal.out(
      `Its signer signs at most ${limits.maxPerCall} a payment, ${limits.maxPerProviderMonth} a provider and ${limits.maxPerMonth} in all a month.`,
    );
    if (!encrypted) terminal.note("The key is not encrypted: whoever can read the folder has it.");
  }
  return EXIT.passed;
}

/** Decimal text. On a mainnet the person says the month's maximum; nothing is assumed. */
function readLimits({ maxPerCall, maxPerProvider, maxPerMonth }: ImportFlags, mainnet: boolean) {
  if (mainnet && maxPerMonth === undefined) {
    throw new UsageError("MAINNET_NOT_ALLOWED", {
      problem: "It is not said how much real money may be signed for in a month.",
      nextStep: "Give --max-per-month with an amount of dollars, such as --max-per-month 20.00.",
    });
  }
  const month = readAmount(maxPerMonth ?? "100.00");
  const least = (text: string | undefined) => {
    const amount = text === undefined ? month : readAmount(text);
    return formatDecimal(amount < month ? amount : month, 6);
  };
  return {
    maxPerCall: least(maxPerCall),
    maxPerProviderMonth: least(maxPerProvider),
    maxPerMonth: formatDecimal(month, 6),
  };
}

interface ImportedKey {
  /** What the key's file will hold. */
  readonly content: Secret;
  readonly address: string;
  readonly encrypted: boolean;
}

async function readKey(flags: ImportFlags, surroundings: Surroundings): Promise<ImportedKey> {
  const given =
    flags.keyFile === undefined
      ? await readAll(process.stdin)
      : fileOf(flags.keyFile, surroundings.cwd);
  const text = given.trim();
  if (text.startsWith("{")) {
    const keystore = readKeystore(text);
    const key = decryptKey(keystore, await readPassphrase(flags, surroundings));
    return { content: new Secret(`${text}\n`), address: privateKeyToAddress(key), encrypted: true };
  }
  const hex = text.startsWith("0x") ? text : `0x${text}`;
  if (!isHex(hex) || size(hex) !== 32) {
    throw new UsageError("USAGE", {
      problem: "What was given is neither a private key nor a keystore.",
      nextStep:
        "Give 64 hexadecimal digits, or a keystore of version 3, on stdin or with --key-file.",
    });
  }
  const address = privateKeyToAddress(hex);
  if (flags.plain) return { content: new Secret(`${hex}\n`), address, encrypted: false };
  const wanted = "The key is kept encrypted unless --plain says otherwise";
  const passphrase = await readPassphrase(flags, surroundings, wanted);
  const keystore = encryptKey({ key: new Secret(hex), passphrase });
  return { content: new Secret(`${JSON.stringify(keystore)}\n`), address, encrypted: true };
}

function fileOf(path: string, cwd: string): string {
  try {
    return readFileSync(readPath(path, cwd), "utf8");
  } catch {
    throw new UsageError("USAGE", {
      problem: "The file that --key-file names cannot be read.",
      nextStep: "Name a file that holds the key or the keystore.",
    });
  }
}
