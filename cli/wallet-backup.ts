/**
 * `purser wallet backup` and `restore`: everything of a wallet's folder in one file, encrypted with a passphrase (age). A restored book
 * does not know what was sent after the backup, so it pays nothing until `reconcile` has found that on the chain.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { markRestored } from "../scenarios/world/restored-mark.ts";
import { walletFiles } from "../scenarios/world/wallet-folder.ts";
import { makeFolder } from "./make-folder.ts";
import { copyDatabase } from "../store/index.ts";
import { readPath } from "./arguments.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import { requireAllowed } from "./open-wallet.ts";
import { type PassphraseFlags, readPassphrase } from "./passphrase.ts";
import type { Surroundings } from "./surroundings.ts";
import { readSettings, settingsFile } from "./wallet-settings.ts";

export interface BackupFlags extends PassphraseFlags {
  wallet: string;
  allowMainnet?: true;
}

interface Bundle {
  readonly version: 1;
  /** Milliseconds since the epoch. */
  readonly madeAt: number;
  /** Base64 by the file's name. */
  readonly files: Readonly<Record<string, string>>;
}

export async function backupCommand(
  target: string,
  flags: BackupFlags,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal, json, cwd } = surroundings;
  const folder = readPath(flags.wallet, cwd);
  const file = readPath(target, cwd);
  requireAllowed(readSettings(folder).asset, flags);
  const passphrase = await readPassphrase(flags, surroundings);
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase.reveal());
  const sealed = await encrypter.encrypt(JSON.stringify(bundle(folder)));
  writeNew(file, sealed);
  if (json)
    terminal.out(JSON.stringify({ passed: true, file, bytes: sealed.length }, undefined, 2));
  else terminal.out(`${file} holds the whole wallet, encrypted. Make another after each payment.`);
  return EXIT.passed;
}

/** The counter is read after the book: it may count more than the book knows, and never less. */
function bundle(folder: string): Bundle {
  const { key, counter, ledger, seal, nonceSecret } = walletFiles(folder);
  const files: Record<string, string> = {};
  const take = (path: string, name = basename(path)) => {
    if (existsSync(path)) files[name] = readFileSync(path).toString("base64");
  };
  const scratch = mkdtempSync(join(tmpdir(), "purser-backup-"));
  try {
    if (existsSync(ledger)) {
      const copy = join(scratch, basename(ledger));
      copyDatabase(ledger, copy);
      take(copy);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  for (const path of [counter, key, seal, nonceSecret, settingsFile(folder)]) take(path);
  return { version: 1, madeAt: Date.now(), files };
}

export async function restoreCommand(
  source: string,
  flags: BackupFlags,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal, json, cwd } = surroundings;
  const folder = readPath(flags.wallet, cwd);
  const own = walletFiles(folder);
  const allowed = [...Object.values(own), settingsFile(folder)];
  if (allowed.some((path) => existsSync(path))) {
    throw new UsageError("USAGE", {
      problem: `There is a wallet in ${folder} already, and its book may be the newer one.`,
      nextStep: "Restore into a folder that is not there yet.",
    });
  }
  const { files, madeAt } = await openBundle(readPath(source, cwd), flags, surroundings);
  makeFolder(folder);
  // First of all: a restore that was cut short pays nothing either.
  markRestored(folder, madeAt);
  for (const path of allowed) {
    const content = files[basename(path)];
    if (content !== undefined) writeNew(path, Buffer.from(content, "base64"));
  }
  requireAllowed(readSettings(folder).asset, flags);
  if (json) {
    const made = new Date(madeAt).toISOString();
    terminal.out(JSON.stringify({ passed: true, wallet: folder, madeAt: made }, undefined, 2));
  } else {
    terminal.out(`The wallet is in ${folder}, as it was at ${new Date(madeAt).toISOString()}.`);
    terminal.note(
      "What it sent after that is not in its book. It pays nothing until `purser wallet reconcile` has found it on the chain. Make sure that no other copy of it pays.",
    );
  }
  return EXIT.passed;
}

async function openBundle(
  file: string,
  flags: BackupFlags,
  surroundings: Surroundings,
): Promise<Bundle> {
  const sealed = existsSync(file) ? readFileSync(file) : undefined;
  const passphrase = await readPassphrase(flags, surroundings);
  try {
    const { Decrypter } = await import("age-encryption");
    const decrypter = new Decrypter();
    decrypter.addPassphrase(passphrase.reveal());
    const bundle = JSON.parse(await decrypter.decrypt(sealed!, "text")) as Bundle;
    if (bundle.version === 1) return bundle;
  } catch {
    // Said below, for every reason alike: nothing of the content is told.
  }
  throw new UsageError("USAGE", {
    problem:
      "The backup cannot be opened: it is no backup, it was cut off, or the passphrase is another.",
    nextStep: "Give the file that `purser wallet backup` wrote, and the passphrase of that time.",
  });
}

function writeNew(path: string, content: Uint8Array): void {
  try {
    writeFileSync(path, content, { mode: 0o600, flag: "wx", flush: true });
  } catch (cause) {
    throw new UsageError("USAGE", {
      problem: `The file ${path} cannot be written, or is there already.`,
      nextStep: "Name another one.",
      cause,
    });
  }
}
