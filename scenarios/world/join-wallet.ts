/**
 * The wallet of a world that another program holds open: the same book and the same key file, with a signer process of its own. The
 * book is made for that: every limit holds over all programs that share it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ChainError } from "../../chain/index.ts";
import { ASSET } from "./parts.ts";
import { WORLD_SIGNER_LIMITS } from "./wallet.ts";
import { type JoinedWallet, openWalletFolder, walletFiles } from "./wallet-folder.ts";
import { WorldError } from "./world-error.ts";
import { readWorldFile } from "./world-file.ts";

/** Joins the wallet of the world in `dir`, or throws `WORLD_NOT_UP`. */
export async function joinWallet(dir: string): Promise<JoinedWallet> {
  const ports = readWorldFile(dir)?.ports;
  const folder = join(dir, "wallet");
  if (!ports || !existsSync(walletFiles(folder).key)) throw notUp(dir);
  try {
    return await openWalletFolder({
      folder,
      rpcUrl: `http://127.0.0.1:${ports.chain}`,
      asset: ASSET,
      limits: WORLD_SIGNER_LIMITS,
    });
  } catch (error) {
    throw error instanceof ChainError ? notUp(dir, error) : error;
  }
}

function notUp(dir: string, cause?: unknown): WorldError {
  return new WorldError("WORLD_NOT_UP", {
    problem: `The world in ${dir} is not up.`,
    nextStep: "Open it with `purser up`, or name the folder of another one with --world.",
    details: { part: "wallet" },
    cause,
  });
}
