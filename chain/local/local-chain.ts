/**
 * A chain on this machine that cannot be told from Base Sepolia by stock x402 clients: anvil with Multicall3 and an EIP-3009
 * token at USDC's address. With a folder it reopens as it was, also after `kill -9`; without one it leaves nothing behind.
 */
import { randomInt } from "node:crypto";
import { type Address, hexToNumber, toHex } from "viem";
import { type Asset, BASE_SEPOLIA_USDC } from "../../protocol/asset.ts";
import { findAnvil } from "./anvil-binary.ts";
import { runAnvil } from "./anvil-process.ts";
import { fundAddress } from "./funding.ts";
import { placeContracts } from "./genesis.ts";
import { type Home, openHome } from "./home.ts";
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
  /** Where the chain's state lives, for one chain at a time; made if need be. Default: nowhere. */
  dir?: string | undefined;
  /** Default: a free one. */
  port?: number | undefined;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Makes the genesis block unlike any other chain's, so that a wallet notices when it meets another chain. */
  newSalt?: () => number;
}

/** How many blocks make the one before them final, with epochs of one slot. */
const FINALITY_BLOCKS = 3;

/** What `startLocalChain` does. */
export async function runLocalChain({
  dir,
  port = 0,
  now = Date.now,
  newSalt = () => randomInt(2 ** 31),
}: LocalChainOptions): Promise<LocalChain> {
  const asset = BASE_SEPOLIA_USDC;
  const binary = findAnvil();
  const seconds = Math.floor(now() / 1000);
  const home = await openHome(dir, { timestamp: seconds, gasLimit: 30_000_000 + newSalt() });
  const anvil = await runIn(home, binary, port, asset);
  const rpcUrl = `http://127.0.0.1:${anvil.port}`;
  const close = async () => {
    await anvil.end();
    home.leave();
  };
  try {
    await prepare({ rpcUrl, asset, seconds, inhabited: home.inhabited });
  } catch (error) {
    await close();
    throw error;
  }
  let funding = Promise.resolve();
  return {
    rpcUrl,
    chainId: 84532,
    asset,
    fund(address, amounts) {
      const turn = funding.then(() => fundAddress({ rpcUrl, asset, address, ...amounts }));
      funding = turn.catch(() => undefined);
      return turn;
    },
    async mine(blocks = 1) {
      await callRpc(rpcUrl, [mining(blocks)]);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function runIn(home: Home, binary: string, port: number, asset: Asset) {
  const settings = {
    host: "127.0.0.1",
    port,
    "chain-id": asset.chainId,
    accounts: 0,
    "slots-in-an-epoch": 1,
    "prune-history": 64,
    timestamp: home.birth.timestamp,
    "gas-limit": home.birth.gasLimit,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  try {
    return await runAnvil({ ...home, binary, args: [...args, ...home.args] });
  } catch (error) {
    home.leave();
    throw error;
  }
}

interface PrepareOptions {
  rpcUrl: string;
  asset: Asset;
  /** The present, in Unix seconds. */
  seconds: number;
  /** True where the chain has lived before. */
  inhabited: boolean;
}

/** Sets the clock, which starts at the genesis block's time, and places what every local chain has. */
async function prepare({ rpcUrl, asset, seconds, inhabited }: PrepareOptions): Promise<void> {
  const [newest] = await callRpc(rpcUrl, [
    { method: "eth_getBlockByNumber", params: ["latest", false] },
    { method: "anvil_setLoggingEnabled", params: [false] },
    ...placeContracts(asset),
  ]);
  // A chain whose clock was moved forward must not go back: a newer block is never the earlier one.
  const time = Math.max(seconds, hexToNumber((newest as { timestamp: `0x${string}` }).timestamp));
  await callRpc(rpcUrl, [
    { method: "evm_setTime", params: [time] },
    // anvil saves only the newest state: without new blocks there would be no finalized one to read.
    ...(inhabited ? [mining(FINALITY_BLOCKS)] : []),
  ]);
}

function mining(blocks: number): RpcCall {
  return { method: "anvil_mine", params: [toHex(blocks)] };
}
