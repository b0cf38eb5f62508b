/**
 * A wallet's folder: the key, what was signed with it, the book, and the two secrets beside it. Any number of programs may open it
 * at once; every limit holds over all of them.
 */
import { join } from "node:path";
import { type Chain, openChain } from "../../chain/index.ts";
import {
  type SignerLimits,
  type SignerProcess,
  startSignerProcess,
} from "../../middleware/signer/index.ts";
import { Wallet } from "../../middleware/wallet.ts";
import { type Asset, Secret } from "../../protocol/index.ts";
import { type Ledger, openLedger } from "../../store/index.ts";
import { Closers } from "./closers.ts";
import { openKeyFile } from "./key-file.ts";
import { requireReconciled } from "./restored-mark.ts";

export interface JoinedWallet extends AsyncDisposable {
  readonly wallet: Wallet;
  readonly ledger: Ledger;
  readonly chain: Chain;
  readonly asset: Asset;
  readonly signer: SignerProcess;
}

export interface WalletFolderOptions {
  readonly folder: string;
  readonly rpcUrl: string;
  readonly asset: Asset;
  readonly limits: Partial<SignerLimits>;
  /** Of a key that is encrypted. */
  readonly passphrase?: Secret | undefined;
  /** Whether one that was restored from a backup, and not reconciled since, is opened: to look, never to pay. Default: false. */
  readonly restored?: boolean;
  /** Real money may move. Default: false. */
  readonly allowMainnet?: boolean;
}

/** The files of a wallet's folder, by what they hold. */
export function walletFiles(folder: string) {
  const key = join(folder, "key");
  return {
    key,
    counter: `${key}.counter`,
    ledger: join(folder, "ledger.sqlite"),
    /** Seals the payments' bytes in the book, and the book. */
    seal: join(folder, "seal"),
    /** What the authorizations' nonces are derived from. */
    nonceSecret: join(folder, "nonce-secret"),
  };
}

/** Opens the wallet of a folder that has a key; throws `WALLET_RESTORED`, and what the chain, the signer and the book throw. */
export async function openWalletFolder(options: WalletFolderOptions): Promise<JoinedWallet> {
  const { folder, rpcUrl, asset, limits, passphrase } = options;
  const { restored = false, allowMainnet: mainnet = false } = options;
  if (!restored) requireReconciled(folder);
  const files = walletFiles(folder);
  const closers = new Closers();
  // The signer does not keep a program alive, and where nothing else does, it would end before the signer has answered.
  const alive = setInterval(() => {}, 60_000);
  closers.defer(() => clearInterval(alive));
  try {
    const chain = await openChain({ rpcUrl, asset });
    const signer = await closers.adopt(
      startSignerProcess({ keyFile: files.key, passphrase, asset, limits }),
    );
    const ledger = openLedger({ path: files.ledger, bytesKey: bytesOf(files.seal) });
    closers.defer(() => ledger.close());
    const nonceSecret = bytesOf(files.nonceSecret);
    const policy = { mainnet };
    return {
      wallet: new Wallet({ ledger, signer, chain, nonceSecret, policy }),
      ledger,
      chain,
      asset,
      signer,
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
