/** Why a world could not open. `part` in the details names what failed, so that nobody has to guess among five servers. */
import { PurserError, toErrorBody } from "../../protocol/index.ts";

export type WorldErrorCode =
  | "WORLD_START_FAILED"
  /** Nobody has this folder's world open, so its wallet cannot be joined. */
  | "WORLD_NOT_UP"
  /** Another process has this folder's world open. */
  | "WORLD_IN_USE"
  /** The world was at a port that something else uses now. */
  | "WORLD_PORT_TAKEN"
  /** It was told to stop before it was open. */
  | "WORLD_INTERRUPTED"
  /** The folder holds something that is not a world, or one of another version. */
  | "WORLD_UNREADABLE";

export class WorldError extends PurserError<WorldErrorCode> {}

export type WorldPart =
  | "folder"
  | "chain"
  | "facilitator"
  | "wallet"
  | "orchestrator"
  | "cloudflare"
  | "provider";

/** Runs one part's start, and names the part in whatever error comes of it. */
export async function starting<T>(part: WorldPart, start: () => T | Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    if (cause instanceof WorldError) throw cause;
    const { code, problem, nextStep } = toErrorBody(cause);
    if (/^PORT_(TAKEN|UNAVAILABLE)$/.test(code) || isAddressInUse(cause)) {
      throw new WorldError("WORLD_PORT_TAKEN", {
        problem: `The ${part} cannot reopen where it was: ${problem}`,
        nextStep,
        details: { part, cause: code },
        cause,
      });
    }
    throw new WorldError("WORLD_START_FAILED", {
      problem:
        part === "folder"
          ? `The world's folder cannot be used: ${problem}`
          : `The ${part} could not start: ${problem}`,
      nextStep: code === "INTERNAL" ? NEXT_STEPS[part] : nextStep,
      details: { part, cause: code },
      cause,
    });
  }
}

function isAddressInUse(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE" || isAddressInUse(error.cause);
}

export const NEXT_STEPS: Readonly<Record<WorldPart, string>> = {
  folder: "Give a folder that you may write to with --out.",
  chain:
    "Run `npm ci` again so that anvil is installed, and look at chain/anvil.log in the world's folder.",
  facilitator: "Try again; if it stays so, please report it with the run's folder.",
  wallet: "Look at the files in wallet/ of the world's folder; a new --out folder starts anew.",
  orchestrator:
    "Look at the files in orchestrator/ of the world's folder; a new --out folder starts anew.",
  cloudflare: "Run `npm ci` again so that miniflare and x402-express are installed.",
  provider:
    "Check that it runs at that URL and answers GET /provisioning/services as docs/providers.md describes; a server that only answers 402 needs no --provider, buy from it with a client and `purser up`.",
};
