/**
 * A chain as a buyer, a wallet or a report reads it, through one RPC server and for one asset. It only reads; every answer is
 * the chain's own, and whatever cannot be read is an error, never a zero.
 */
import {
  type Address,
  createPublicClient,
  getAddress,
  type Hex,
  http,
  type PublicClient,
} from "viem";
import type { Asset } from "../protocol/asset.ts";
import {
  type AuthorizationProof,
  type ProvableAuthorization,
  readAuthorization,
} from "./authorization-proof.ts";
import { ChainError, reading } from "./error.ts";
import { openJsonRpc } from "./json-rpc.ts";
import { receiptReader } from "./receipt.ts";
import { TOKEN_ABI } from "./token-abi.ts";

export interface Transfer {
  readonly from: Address;
  readonly to: Address;
  /** Atomic units. */
  readonly value: bigint;
  readonly transaction: Hex;
  readonly blockNumber: bigint;
}

/** Where a proof or a list of transfers may be looked for. */
export interface SearchOptions {
  /** No block before this one is looked at; give it on public chains, whose servers refuse wide searches. */
  fromBlock?: bigint | undefined;
}

export interface Chain {
  /** For what is not here. */
  readonly client: PublicClient;
  readonly asset: Asset;
  /** The asset's atomic units that an address holds in the newest block. */
  balanceOf(address: Address): Promise<bigint>;
  /** What the chain says of an authorization; `transaction` is a hint where to look first. */
  readAuthorization(
    authorization: ProvableAuthorization,
    options?: SearchOptions & { transaction?: Hex | undefined },
  ): Promise<AuthorizationProof>;
  /** The newest block's time in Unix seconds; an idle local chain's clock stands still. */
  now(): Promise<bigint>;
  /** Every transfer of the asset out of an address, oldest first, to compare with a ledger. */
  transfersFrom(from: Address, options?: SearchOptions): Promise<Transfer[]>;
  /** Every transfer of the asset from one address to another, oldest first. */
  transfersBetween(from: Address, to: Address, options?: SearchOptions): Promise<Transfer[]>;
  /** Tells one local chain from another: each has a genesis block of its own. */
  genesisHash(): Promise<Hex>;
}

export interface OpenChainOptions {
  rpcUrl: string;
  asset: Asset;
}

/** Opens a chain; throws `CHAIN_UNREACHABLE`, or `CHAIN_MISMATCH` when the RPC server is of another chain than the asset. */
export async function openChain({ rpcUrl, asset }: OpenChainOptions): Promise<Chain> {
  const timeoutMs = 10_000;
  const client = createPublicClient({
    // viem would remember the newest block's number for four seconds.
    cacheTime: 0,
    transport: http(rpcUrl, { timeout: timeoutMs, retryCount: 1 }),
  });
  const chainId = await reading("the chain id", client.getChainId());
  if (chainId !== asset.chainId) {
    throw new ChainError("CHAIN_MISMATCH", {
      problem: `The RPC server is of chain ${chainId}, but ${asset.symbol} on ${asset.networkName} is on chain ${asset.chainId}.`,
      nextStep: "Give the address of an RPC server of the asset's own chain.",
      details: { expected: String(asset.chainId), actual: String(chainId) },
    });
  }
  const readReceipt = receiptReader(openJsonRpc({ rpcUrl, timeoutMs }));
  const transfers = async (args: { from: Address; to?: Address }, fromBlock = 0n) => {
    const logs = client.getLogs({
      address: asset.address,
      event: TRANSFER,
      args,
      strict: true,
      fromBlock,
      toBlock: "latest",
    });
    return (await reading("the token's transfers", logs)).map(
      ({ args, transactionHash: transaction, blockNumber }) => ({
        ...args,
        transaction,
        blockNumber,
      }),
    );
  };
  return {
    client,
    asset,
    balanceOf: (address) => reading("a balance", readBalance(client, asset, address)),
    readAuthorization: (authorization, options) =>
      readAuthorization({ client, asset, authorization, readReceipt, ...options }),
    now: async () => (await reading("the newest block", client.getBlock())).timestamp,
    transfersFrom: (from, options) => transfers({ from }, options?.fromBlock),
    transfersBetween: (from, to, options) => transfers({ from, to }, options?.fromBlock),
    genesisHash: async () =>
      (await reading("the genesis block", client.getBlock({ blockNumber: 0n }))).hash,
  };
}

const TRANSFER = TOKEN_ABI.find((item) => item.type === "event" && item.name === "Transfer")!;

function readBalance(client: PublicClient, asset: Asset, address: Address): Promise<bigint> {
  return client.readContract({
    address: asset.address,
    abi: TOKEN_ABI,
    functionName: "balanceOf",
    args: [getAddress(address)],
  });
}
