/** The passphrase of a keystore: from a file, from an environment variable that is named, or asked for. Never an argument. */
import { readFileSync } from "node:fs";
import { Secret } from "../protocol/index.ts";
import { askHidden } from "./ask-hidden.ts";
import { UsageError } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { readPath } from "./arguments.ts";

export interface PassphraseFlags {
  passphraseFile?: string;
  passphraseEnv?: string;
}

/** Throws `USAGE` where there is none to be had. */
export async function readPassphrase(
  { passphraseFile, passphraseEnv }: PassphraseFlags,
  { env, cwd, terminal }: Pick<Surroundings, "env" | "cwd" | "terminal">,
  wanted = "The key is encrypted",
): Promise<Secret> {
  if (passphraseFile !== undefined) return fromFile(readPath(passphraseFile, cwd));
  if (passphraseEnv !== undefined) {
    const text = env[passphraseEnv];
    if (text !== undefined && text !== "") return new Secret(text);
    throw missing("The environment variable that --passphrase-env names is empty.");
  }
  if (!terminal.interactive) throw missing(`${wanted}, and nobody can be asked.`);
  const text = await askHidden("Passphrase: ");
  if (text === "") throw missing("The passphrase is empty.");
  return new Secret(text);
}

/** Its first line. */
function fromFile(path: string): Secret {
  try {
    const [line = ""] = readFileSync(path, "utf8").split(/\r?\n/);
    if (line !== "") return new Secret(line);
  } catch {
    throw missing("The file that --passphrase-file names cannot be read.");
  }
  throw missing("The file that --passphrase-file names is empty.");
}

function missing(problem: string): UsageError {
  return new UsageError("USAGE", {
    problem,
    nextStep: "Give the passphrase with --passphrase-file <file> or --passphrase-env <NAME>.",
  });
}
