/** The local chain's door: what it needs (its contracts, SQLite for the lock) is loaded when somebody starts one. */
import type { LocalChain, LocalChainOptions } from "./local-chain.ts";

/** Starts or reopens a chain; throws `CHAIN_BINARY_MISSING`, `CHAIN_START_FAILED` or `CHAIN_DIR_IN_USE`. */
export async function startLocalChain(options: LocalChainOptions = {}): Promise<LocalChain> {
  const { runLocalChain } = await import("./local-chain.ts");
  return runLocalChain(options);
}
