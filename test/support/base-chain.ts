/**
 * A chain on this machine that says it is Base: its id, and at Base's USDC address a token that is named as there ("USD Coin", so that
 * its EIP-712 domain is Base's). No payment on it is worth anything, and every program takes it for real money.
 */
import { readFileSync } from "node:fs";
import type { Address } from "viem";
import { findAnvil } from "../../chain/local/anvil-binary.ts";
import { runAnvil } from "../../chain/local/anvil-process.ts";
import { fundAddress } from "../../chain/local/funding.ts";
import { placeContracts } from "../../chain/local/genesis.ts";
import { openHome } from "../../chain/local/home.ts";
import { callRpc } from "../../chain/local/rpc.ts";
import { BASE_USDC } from "../../protocol/index.ts";
import { artifactFile } from "../../scripts/compile-token.ts";

export interface BaseChain extends AsyncDisposable {
  readonly rpcUrl: string;
  fund(address: Address, amounts: { usdc?: bigint; ether?: bigint }): Promise<void>;
}

export async function openBaseChain(): Promise<BaseChain> {
  const asset = BASE_USDC;
  const home = await openHome(undefined, {
    timestamp: Math.floor(Date.now() / 1000),
    gasLimit: 30_000_000,
  });
  const settings = {
    host: "127.0.0.1",
    port: 0,
    "chain-id": asset.chainId,
    accounts: 0,
    "slots-in-an-epoch": 1,
    timestamp: home.birth.timestamp,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const anvil = await runAnvil({ ...home, binary: findAnvil(), args: [...args, ...home.args] });
  const rpcUrl = `http://127.0.0.1:${anvil.port}`;
  const { code } = JSON.parse(readFileSync(artifactFile("BaseUsdc"), "utf8")) as { code: string };
  await callRpc(rpcUrl, [
    ...placeContracts(asset),
    { method: "anvil_setCode", params: [asset.address, code] },
  ]);
  return {
    rpcUrl,
    fund: (address, amounts) => fundAddress({ rpcUrl, asset, address, ...amounts }),
    async [Symbol.asyncDispose]() {
      await anvil.end();
      home.leave();
    },
  };
}
