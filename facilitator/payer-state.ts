/** What the chain says of a payment's payer, read in one request from the newest block. */
import type { PublicClient } from "viem";
import { reading, TOKEN_ABI } from "../chain/index.ts";
import type { Asset } from "../protocol/asset.ts";
import type { Payment } from "./payment.ts";

export interface PayerState {
  /** The payer's balance in atomic units. */
  readonly balance: bigint;
  /** True once the authorization is used or cancelled. */
  readonly used: boolean;
  /** The later of the newest block's time and the clock's, in Unix seconds: no block to come can be earlier. */
  readonly time: bigint;
  /** True where the payer has code: a smart wallet, or a key that lent its address to one (EIP-7702). */
  readonly isContract: boolean;
  /** Of the newest block, in wei. */
  readonly baseFeePerGas: bigint;
}

export interface ReadPayerStateOptions {
  /** A client that sends the reads together. */
  client: PublicClient;
  asset: Asset;
  payment: Payment;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Reads it, or throws `CHAIN_UNREACHABLE`. */
export async function readPayerState({
  client,
  asset,
  payment: { authorization },
  now,
}: ReadPayerStateOptions): Promise<PayerState> {
  const { from, nonce } = authorization;
  const token = { address: asset.address, abi: TOKEN_ABI } as const;
  const reads = Promise.all([
    client.getBlock(),
    client.readContract({ ...token, functionName: "balanceOf", args: [from] }),
    client.readContract({ ...token, functionName: "authorizationState", args: [from, nonce] }),
    client.getCode({ address: from }),
  ]);
  const [block, balance, used, code] = await reading("the payer's state", reads);
  const clock = BigInt(Math.floor(now() / 1000));
  return {
    balance,
    used,
    time: clock > block.timestamp ? clock : block.timestamp,
    isContract: code !== undefined,
    baseFeePerGas: block.baseFeePerGas ?? 0n,
  };
}
