/** What ring 2 pays from: a chain and facilitator of the tester's own, which the server is pointed at, or a key on a test network. */
import { setTimeout } from "node:timers/promises";
import { privateKeyToAccount } from "viem/accounts";
import { fundedPayer, openLocalWorld, type PayerSide } from "../conformance/index.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC, formatDecimal } from "../protocol/index.ts";
import { readAmount, readUrl } from "./arguments.ts";
import type { CheckFlags } from "./check-program.ts";
import { UsageError } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";

interface Paying extends AsyncDisposable {
  readonly payer: PayerSide;
}

export async function openPaying(
  url: string,
  flags: CheckFlags,
  { terminal, env, signal }: Pick<Surroundings, "terminal" | "env" | "signal">,
): Promise<Paying> {
  if (flags.keyEnv !== undefined) return await fromKey(flags.keyEnv, flags, env, terminal.note);
  const world = await openLocalWorld({
    facilitatorPort: readPort("--facilitator-port", flags.facilitatorPort),
    rpcPort: readPort("--rpc-port", flags.rpcPort),
    maxSpend: flags.maxSpend === undefined ? undefined : readAmount(flags.maxSpend),
  });
  const { asset, rpcUrl, facilitatorUrl } = world;
  terminal.note(`Point the server under test at these (play money, on this machine alone):
  facilitator  ${facilitatorUrl}
  RPC          ${rpcUrl}
  network      ${asset.network} (${asset.networkName} in x402 v1)
  asset        ${asset.address} (${asset.symbol}, EIP-712 name "${asset.eip712.name}", version "${asset.eip712.version}")`);
  await waitFor(url, terminal.note, signal).catch(async (error: unknown) => {
    await world[Symbol.asyncDispose]();
    throw error;
  });
  return world;
}

async function fromKey(
  name: string,
  { rpc, maxSpend, allowMainnet = false }: CheckFlags,
  env: Surroundings["env"],
  note: (line: string) => void,
): Promise<Paying> {
  const key = env[name] ?? "";
  if (!/^0x[0-9a-fA-F]{64}$/.test(key) || rpc === undefined || maxSpend === undefined) {
    throw new UsageError("USAGE", {
      problem: `Paying from ${name} needs a private key in it, --rpc and --max-spend.`,
      nextStep:
        "Export a test network's key (0x and 64 hexadecimal digits) and say what it may spend.",
    });
  }
  const payer = await fundedPayer({
    account: privateKeyToAccount(key as `0x${string}`),
    rpcUrl: readUrl("--rpc", rpc),
    asset: allowMainnet ? BASE_USDC : BASE_SEPOLIA_USDC,
    maxSpend: readAmount(maxSpend),
    allowMainnet,
  });
  note(
    `It signs for at most ${formatDecimal(payer.money?.maxSpend ?? 0n, 6)} USDC of ${payer.account.address} on ${allowMainnet ? "Base: real money" : "Base Sepolia"}.`,
  );
  return { payer, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** The server may be started only now that it knows its facilitator. */
async function waitFor(
  url: string,
  note: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  readUrl("The URL", url);
  for (let turn = 0; turn < 120; turn++) {
    const answer = await fetch(url, { redirect: "manual", signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (answer !== undefined && answer.status < 500) return;
    if (turn === 0) note(`Waiting up to a minute for ${url} to answer.`);
    await setTimeout(500, undefined, { signal });
  }
}

function readPort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port < 65_536) return port;
  throw new UsageError("USAGE", {
    problem: `${name} is no port.`,
    nextStep: "Write a number from 0 (any free one) to 65535.",
  });
}
