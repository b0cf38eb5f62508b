/**
 * Who pays in a test. In ring 1 it is a throw-away key that holds nothing, so that nothing can settle; from ring 2 on an account with
 * money, and the chain to see what became of it. It never signs for more than it said it would.
 */
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import type { Address, LocalAccount } from "viem";
import { type Chain, type ChainError, openChain } from "../../chain/index.ts";
import type { Asset } from "../../protocol/asset.ts";
import { ConformanceError } from "../conformance-error.ts";

export interface PayerSide {
  readonly account: LocalAccount;
  /** Undefined where the account holds nothing. */
  readonly money: PayerMoney | undefined;
  /** The accounts that settle, where the facilitator is the tester's. */
  readonly signers?: readonly Address[];
  /** Gives another account play money, where the chain is the tester's. */
  readonly fund?: (address: Address, usdc: bigint) => Promise<void>;
}

export interface PayerMoney {
  readonly chain: Chain;
  readonly asset: Asset;
  /** The most that it may sign for in the whole run, in atomic units. */
  readonly maxSpend: bigint;
  /** What it has signed for so far, whether it settled or not. */
  signedFor: bigint;
}

/** Base, Ethereum, Polygon, Arbitrum, OP and Avalanche. */
const MAINNETS: ReadonlySet<string> = new Set(["8453", "1", "137", "42161", "10", "43114"]);

function realMoney(what: string): ConformanceError {
  return new ConformanceError("CHECK_MAINNET", {
    problem: `${what} is real money, and paying tests do not spend it by themselves.`,
    nextStep:
      "Test a copy of the endpoint on a test network, or on the chain that the tester brings. If it must be this one, say --allow-mainnet and --max-spend.",
  });
}

/** A key that nobody has seen and that holds nothing. */
export function newStranger(): LocalAccount {
  return privateKeyToAccount(generatePrivateKey());
}

export function throwAwayPayer(): PayerSide {
  return { account: newStranger(), money: undefined };
}

export interface FundedPayerOptions {
  readonly account: LocalAccount;
  readonly rpcUrl: string;
  readonly asset: Asset;
  readonly maxSpend: bigint;
  /** Spends real money, never more than `maxSpend`. */
  readonly allowMainnet?: boolean | undefined;
}

/** Throws `CHECK_MAINNET` where real money would move, or a `ChainError`. */
export async function fundedPayer(options: FundedPayerOptions): Promise<PayerSide> {
  const { account, rpcUrl, asset, maxSpend, allowMainnet = false } = options;
  if (asset.mainnet && !allowMainnet) throw realMoney(`${asset.symbol} on ${asset.networkName}`);
  const chain = await openChain({ rpcUrl, asset }).catch((error: unknown) => {
    const { code, details } = error as Partial<ChainError>;
    const real = code === "CHAIN_MISMATCH" && MAINNETS.has(String(details?.["actual"]));
    throw real && !allowMainnet ? realMoney("What that RPC server's chain moves") : error;
  });
  return { account, money: { chain, asset, maxSpend, signedFor: 0n } };
}
