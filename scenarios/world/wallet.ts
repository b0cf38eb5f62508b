/**
 * The user's wallet in a world: the key in a process of its own, the durable book beside it, and play money on first use. Three
 * files that only their owner may read: the key, the secret that nonces come from, and the key that seals payments at rest.
 */
import { join } from "node:path";
import type { Address } from "viem";
import type { Chain, LocalChain } from "../../chain/index.ts";
import { uncheckedPolicy } from "../../middleware/check-offer.ts";
import { type Signer, startSignerProcess } from "../../middleware/signer/index.ts";
import { Wallet } from "../../middleware/wallet.ts";
import { Secret, type Trace } from "../../protocol/index.ts";
import { type Ledger, openLedger } from "../../store/index.ts";
import { Closers } from "./closers.ts";
import { openKeyFile } from "./key-file.ts";

export interface WorldWallet extends AsyncDisposable {
  /** Undefined where the user has no payment method. */
  wallet: Wallet | undefined;
  address: Address | undefined;
  ledger: Ledger;
}

export interface WorldWalletOptions {
  dir: string;
  /** Only the book: the user has no payment method. */
  keyless: boolean;
  chain: Promise<{ local: Pick<LocalChain, "fund">; chain: Chain }>;
  /** Atomic units that a new wallet gets. */
  funds: bigint;
  /** Only for the naive calibration agent. */
  uncheckedOffers: boolean;
  trace: Trace;
  now: () => number;
}

const USDC = 1_000_000n;

/** Of play money: the caps that a scenario sets are the orchestrator's, and these are far above them. */
export const WORLD_SIGNER_LIMITS = {
  maxPerCall: 1_000n * USDC,
  maxPerProviderMonth: 10_000n * USDC,
  maxPerMonth: 10_000n * USDC,
};

/** Opens the book and starts the signer while the chain still starts. */
export async function openWallet(options: WorldWalletOptions): Promise<WorldWallet> {
  const { dir, keyless, now } = options;
  const closers = new Closers();
  try {
    const starting = keyless
      ? undefined
      : closers.adopt(
          startSignerProcess({ keyFile: join(dir, "key"), limits: WORLD_SIGNER_LIMITS }),
        );
    starting?.catch(() => {});
    const bytesKey = bytesOf(openKeyFile(join(dir, "seal")));
    const ledger = openLedger({ path: join(dir, "ledger.sqlite"), bytesKey, now });
    closers.defer(() => ledger.close());
    const wallet = starting && (await makeWallet(options, await starting, ledger));
    return {
      wallet,
      address: wallet?.address,
      ledger,
      [Symbol.asyncDispose]: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function makeWallet(
  { dir, funds, uncheckedOffers, trace, now, ...options }: WorldWalletOptions,
  signer: Signer,
  ledger: Ledger,
): Promise<Wallet> {
  const { local, chain } = await options.chain;
  if ((await ledger.list()).length === 0 && (await chain.balanceOf(signer.address)) === 0n) {
    await local.fund(signer.address, { usdc: funds });
  }
  return new Wallet({
    ledger,
    signer,
    chain,
    nonceSecret: bytesOf(openKeyFile(join(dir, "nonce-secret"))),
    ...(uncheckedOffers ? { policy: uncheckedPolicy } : {}),
    now,
    trace,
  });
}

function bytesOf(key: Secret<`0x${string}`>): Secret<Uint8Array> {
  return new Secret(Uint8Array.from(Buffer.from(key.reveal().slice(2), "hex")));
}
