/**
 * A chain on this machine that cannot be told from Base Sepolia by stock x402 clients: anvil with Multicall3 and an EIP-3009
 * token at USDC's address. With a folder it reopens as it was, also after `kill -9`; without one it leaves nothing behind.
 */
import { randomInt } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Address, encodeFunctionData, parseAbi, toHex } from "viem";
import { type Asset, BASE_SEPOLIA_USDC } from "../../protocol/asset.ts";
import { ChainError } from "../error.ts";
import { findAnvil } from "./anvil-binary.ts";
import { type AnvilProcess, runAnvil } from "./anvil-process.ts";
import { lockDir } from "./dir-lock.ts";
import { MINTER, placeContracts } from "./genesis.ts";
import { callRpc, type RpcCall } from "./rpc.ts";

export interface LocalChain extends AsyncDisposable {
  readonly rpcUrl: string;
  readonly chainId: 84532;
  readonly asset: Asset;
  /** Gives an address test money: `usdc` in atomic units, `ether` in wei. */
  fund(address: Address, amounts: { usdc?: bigint; ether?: bigint }): Promise<void>;
  /** Mines empty blocks at the present time; three make what came before final. */
  mine(blocks?: number): Promise<void>;
  /** Saves the state, where there is a folder, and ends the chain. */
  close(): Promise<void>;
}

export interface LocalChainOptions {
  /** Where the chain's state lives, for one chain at a time; made if need be. */
  dir?: string;
  /** Default: a free one. */
  port?: number;
  /** Makes the genesis block unlike any other chain's, so that a wallet notices when it meets another chain. */
  newSalt?: () => number;
}

/** How many blocks anvil takes to finalize one, with epochs of one slot. */
const FINALITY_BLOCKS = 3;
const MINT = parseAbi(["function mint(address to, uint256 value) returns (bool)"]);

/** Starts or reopens a chain; throws `CHAIN_BINARY_MISSING`, `CHAIN_START_FAILED` or `CHAIN_DIR_IN_USE`. */
export async function startLocalChain({
  dir,
  port = 0,
  newSalt = () => randomInt(2 ** 31),
}: LocalChainOptions = {}): Promise<LocalChain> {
  const binary = findAnvil();
  const asset = BASE_SEPOLIA_USDC;
  const folder = dir ?? mkdtempSync(join(tmpdir(), "purser-chain-"));
  mkdirSync(folder, { recursive: true });
  const pidFile = join(folder, "anvil.pid");
  const stateFile = join(folder, "state.json");
  const lock = dir === undefined ? undefined : await lockDir(dir, pidFile);
  const reopened = existsSync(stateFile);
  const settings = {
    host: "127.0.0.1",
    port,
    "chain-id": asset.chainId,
    accounts: 0,
    "slots-in-an-epoch": 1,
    "gas-limit": 30_000_000 + newSalt(),
    ...(dir === undefined ? {} : { state: stateFile, "cache-path": join(dir, "cache") }),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const mining = (blocks: number): RpcCall => ({ method: "anvil_mine", params: [toHex(blocks)] });
  let anvil: AnvilProcess | undefined;
  let rpcUrl: string;
  try {
    anvil = await runAnvil({ binary, args, logFile: join(folder, "anvil.log"), pidFile });
    rpcUrl = `http://127.0.0.1:${anvil.port}`;
    await callRpc(rpcUrl, [
      { method: "anvil_setLoggingEnabled", params: [false] },
      { method: "anvil_impersonateAccount", params: [MINTER] },
      ...placeContracts(asset),
      // anvil saves only the newest state: without new blocks there would be no finalized one to read.
      ...(reopened ? [mining(FINALITY_BLOCKS)] : []),
    ]);
  } catch (error) {
    await anvil?.end();
    lock?.release();
    throw error;
  } finally {
    // Without a folder of its own, the chain needs no file once it runs, and leaves none if we are killed.
    if (dir === undefined) rmSync(folder, { recursive: true, force: true });
  }
  const running = anvil;
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= running.end().then(() => lock?.release()));
  return {
    rpcUrl,
    chainId: 84532,
    asset,
    async fund(address, { usdc = 0n, ether = 0n }) {
      const transactions: RpcCall[] = [];
      if (ether > 0n) transactions.push(fromMinter({ to: address, value: toHex(ether) }));
      if (usdc > 0n) {
        const data = encodeFunctionData({ abi: MINT, functionName: "mint", args: [address, usdc] });
        transactions.push(fromMinter({ to: asset.address, data }));
      }
      for (const receipt of await callRpc(rpcUrl, transactions)) requireSuccess(receipt);
    },
    async mine(blocks = 1) {
      await callRpc(rpcUrl, [mining(blocks)]);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function fromMinter(transaction: Readonly<Record<string, string>>): RpcCall {
  return {
    method: "eth_sendTransactionSync",
    params: [{ from: MINTER, gas: toHex(200_000), ...transaction }],
  };
}

function requireSuccess(receipt: unknown): void {
  if ((receipt as { status?: string } | null)?.status === "0x1") return;
  throw new ChainError("CHAIN_UNREACHABLE", {
    problem: "The local chain did not carry out a funding transaction.",
    nextStep: "This is a bug: please report it with anvil.log of the chain's folder.",
  });
}
