/**
 * The wallet of a world that another program holds open: the same book and the same key file, with a signer process of its own. The
 * book is made for that: every limit holds over all programs that share it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Chain, openChain } from "../../chain/index.ts";
import { type SignerProcess, startSignerProcess, Wallet } from "../../middleware/index.ts";
import { type Asset, Secret } from "../../protocol/index.ts";
import { type Ledger, openLedger } from "../../store/index.ts";
import { Closers } from "./closers.ts";
import { openKeyFile } from "./key-file.ts";
import { ASSET } from "./parts.ts";
import { WORLD_SIGNER_LIMITS } from "./wallet.ts";
import { WorldError } from "./world-error.ts";
import { readWorldFile } from "./world-file.ts";

export interface JoinedWallet extends AsyncDisposable {
  readonly wallet: Wallet;
  readonly ledger: Ledger;
  readonly chain: Chain;
  readonly asset: Asset;
  /** What Node keeps the signer's process from. */
  readonly restrictions: SignerProcess["restrictions"];
}

/** Joins the wallet of the world in `dir`, or throws `WORLD_NOT_UP`. */
export async function joinWallet(dir: string): Promise<JoinedWallet> {
  const ports = readWorldFile(dir)?.ports;
  const folder = join(dir, "wallet");
  if (!ports || !existsSync(join(folder, "key"))) throw notUp(dir);
  const closers = new Closers();
  // The signer does not keep a program alive, and where nothing else does, it would end before the signer has answered.
  const alive = setInterval(() => {}, 60_000);
  closers.defer(() => clearInterval(alive));
  try {
    const rpcUrl = `http://127.0.0.1:${ports.chain}`;
    const chain = await openChain({ rpcUrl, asset: ASSET }).catch((cause: unknown) => {
      throw notUp(dir, cause);
    });
    const signer = await closers.adopt(
      startSignerProcess({ keyFile: join(folder, "key"), limits: WORLD_SIGNER_LIMITS }),
    );
    const ledger = openLedger({
      path: join(folder, "ledger.sqlite"),
      bytesKey: bytesOf(join(folder, "seal")),
    });
    closers.defer(() => ledger.close());
    const nonceSecret = bytesOf(join(folder, "nonce-secret"));
    return {
      wallet: new Wallet({ ledger, signer, chain, nonceSecret }),
      ledger,
      chain,
      asset: ASSET,
      restrictions: signer.restrictions,
      [Symbol.asyncDispose]: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

function bytesOf(file: string): Secret<Uint8Array> {
  const hex = openKeyFile(file).reveal();
  return new Secret(Uint8Array.from(Buffer.from(hex.slice(2), "hex")));
}

function notUp(dir: string, cause?: unknown): WorldError {
  return new WorldError("WORLD_NOT_UP", {
    problem: `The world in ${dir} is not up.`,
    nextStep: "Open it with `purser up`, or name the folder of another one with --world.",
    details: { part: "wallet" },
    cause,
  });
}
