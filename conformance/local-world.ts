/**
 * What a paying test needs, all on this machine: a chain with a USDC-like token where Base Sepolia has USDC, a facilitator on it, and
 * an account with play money. The server under test is pointed at the facilitator.
 */
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { type LocalChain, startLocalChain } from "../chain/index.ts";
import type { Asset } from "../protocol/asset.ts";
import { fundedPayer, type PayerSide } from "./pay/payer-side.ts";

export interface LocalWorld extends AsyncDisposable {
  readonly rpcUrl: string;
  readonly facilitatorUrl: string;
  readonly asset: Asset;
  readonly payer: PayerSide;
  /** Gives an address play money. */
  readonly fund: LocalChain["fund"];
}

export interface LocalWorldOptions {
  /** Default: free ones. */
  readonly facilitatorPort?: number | undefined;
  readonly rpcPort?: number | undefined;
  /** Atomic units of play money. */
  readonly maxSpend?: bigint | undefined;
}

/** Throws a `ChainError` where anvil is not installed or a port is taken. */
export async function openLocalWorld(options: LocalWorldOptions = {}): Promise<LocalWorld> {
  const { facilitatorPort, rpcPort, maxSpend = 1_000_000_000n } = options;
  // Loaded only here: a test that does not pay needs no server of ours.
  const { startFacilitator } = await import("../facilitator/index.ts");
  const chain = await startLocalChain({ port: rpcPort });
  const { rpcUrl, asset } = chain;
  const [account, sender] = [1, 2].map(() => privateKeyToAccount(generatePrivateKey()));
  try {
    // Gas too: one case settles a payment itself.
    await chain.fund(account!.address, { usdc: maxSpend * 2n, ether: 10n ** 18n });
    await chain.fund(sender!.address, { ether: 10n ** 18n });
    const facilitator = await startFacilitator({ rpcUrl, account: sender!, port: facilitatorPort });
    const payer = await fundedPayer({ account: account!, rpcUrl, asset, maxSpend });
    return {
      rpcUrl,
      facilitatorUrl: facilitator.url,
      asset,
      fund: (address, amounts) => chain.fund(address, amounts),
      payer: {
        ...payer,
        signers: [sender!.address],
        fund: (address, usdc) => chain.fund(address, { usdc }),
      },
      async [Symbol.asyncDispose]() {
        await facilitator.close();
        await chain.close();
      },
    };
  } catch (error) {
    await chain.close();
    throw error;
  }
}
