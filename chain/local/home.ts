/**
 * Where a local chain lives. A home in a folder of the caller's keeps the chain's state and what it was born with; any other is a
 * temporary folder, removed with the chain, also when the program was killed.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { ChainError } from "../error.ts";
import { lockDir } from "./dir-lock.ts";

/**
 * anvil makes its genesis block anew at every start, from its arguments: only the same arguments give the same block, and its
 * hash is how a wallet recognises the chain that it knows.
 */
const Birth = z.object({ timestamp: z.number().int(), gasLimit: z.number().int() });
export type Birth = z.output<typeof Birth>;

export interface Home {
  readonly birth: Birth;
  readonly logFile: string;
  readonly pidFile: string;
  /** anvil's arguments that make it keep what it keeps here. */
  readonly args: readonly string[];
  /** To be removed when the chain ends, however it ends. */
  readonly trash: string | undefined;
  /** True when the chain has lived here before. */
  readonly inhabited: boolean;
  /** To be called once anvil is gone, or has failed to start. */
  leave(): void;
}

/** Makes or reopens a home; throws `CHAIN_DIR_IN_USE`, or `CHAIN_START_FAILED` when the folder cannot be used. */
export async function openHome(dir: string | undefined, birth: Birth): Promise<Home> {
  if (dir === undefined) {
    const trash = mkdtempSync(join(tmpdir(), "purser-chain-"));
    const leave = () => rmSync(trash, { recursive: true, force: true });
    return { birth, ...files(trash), inhabited: false, trash, leave };
  }
  const folder = resolve(dir);
  mkdirSync(folder, { recursive: true });
  const { logFile, pidFile, args } = files(folder);
  const state = join(folder, "state.json");
  const lock = await lockDir(folder, pidFile);
  try {
    return {
      birth: rememberBirth(join(folder, "chain.json"), birth),
      logFile,
      pidFile,
      args: [...args, "--state", state],
      inhabited: existsSync(state),
      trash: undefined,
      leave: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function files(folder: string): Pick<Home, "args" | "logFile" | "pidFile"> {
  return {
    // Older blocks' states go to disk; by default under ~/.foundry, where nobody would look for them.
    args: ["--cache-path", join(folder, "cache")],
    logFile: join(folder, "anvil.log"),
    pidFile: join(folder, "anvil.pid"),
  };
}

function rememberBirth(path: string, birth: Birth): Birth {
  if (!existsSync(path)) {
    writeFileSync(`${path}.new`, JSON.stringify(birth));
    renameSync(`${path}.new`, path);
    return birth;
  }
  try {
    return Birth.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new ChainError("CHAIN_START_FAILED", {
      problem: `${path} cannot be read as a local chain's settings.`,
      nextStep: "Use another folder, or remove this one if the chain in it is no longer needed.",
      cause,
    });
  }
}
