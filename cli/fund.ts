/** `purser fund`: play money for an address on a local chain that is up. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fundAddress, openChain } from "../chain/index.ts";
import { BASE_SEPOLIA_USDC, formatDecimal } from "../protocol/index.ts";
import { readAddress, readAmount, readPath, readUrl } from "./arguments.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import type { FundFlags } from "./world-program.ts";
import type { Surroundings } from "./surroundings.ts";

export async function fundCommand(
  text: string,
  flags: FundFlags,
  { terminal, json, cwd }: Surroundings,
): Promise<ExitCode> {
  const asset = BASE_SEPOLIA_USDC;
  const address = readAddress(text);
  const usdc = readAmount(flags.amount);
  const rpcUrl =
    flags.rpc === undefined ? await rpcOf(flags.world, cwd) : readUrl("--rpc", flags.rpc);
  // Ether too: a client that sends transactions of its own needs gas.
  await fundAddress({ rpcUrl, asset, address, usdc, ether: 10n ** 18n });
  const chain = await openChain({ rpcUrl, asset });
  const balance = formatDecimal(await chain.balanceOf(address), asset.decimals);
  const amount = formatDecimal(usdc, asset.decimals);
  if (json) {
    terminal.out(
      JSON.stringify({ address, amount, balance, asset: asset.symbol, rpcUrl }, undefined, 2),
    );
  } else {
    terminal.out(
      `${address} got ${amount} ${asset.symbol} of play money, and has ${balance} now; and a coin of the chain, for gas.`,
    );
  }
  return EXIT.passed;
}

/** Where the chain of a world's folder is, as the world wrote it down. */
async function rpcOf(world: string | undefined, cwd: string): Promise<string> {
  const dir = world === undefined ? join(cwd, ".purser", "world") : readPath(world, cwd);
  try {
    const text = await readFile(join(dir, "world.json"), "utf8");
    const { ports } = JSON.parse(text) as { ports: { chain: number } };
    return `http://127.0.0.1:${ports.chain}`;
  } catch (cause) {
    throw new UsageError("USAGE", {
      problem: `There is no world in ${dir}.`,
      nextStep: "Open one with `purser up`, or name its chain with --rpc <url>.",
      cause,
    });
  }
}
