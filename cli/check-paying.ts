/**
 * What the paying rings stand on: a chain and facilitator of the tester's own, which the server is pointed at (in ring 3 with the
 * witness of its work, and faults between them), or for ring 2 a key on a test network. The server is started here, or waited for.
 */
import { setTimeout } from "node:timers/promises";
import { privateKeyToAccount } from "viem/accounts";
import {
  fundedPayer,
  type Harness,
  openHarness,
  openLocalWorld,
  type PayerSide,
  type ServedCommand,
  servedCommand,
  serverSettings,
  type ServerSettings,
  startServed,
} from "../conformance/index.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC, formatDecimal } from "../protocol/index.ts";
import { readAmount, readUrl } from "./arguments.ts";
import { readKeyEnv } from "./check-key.ts";
import { usageError } from "./check-options.ts";
import type { CheckFlags } from "./check-program.ts";
import { readPort, tellSettings } from "./check-settings.ts";
import type { Surroundings } from "./surroundings.ts";
import { ClosingStack } from "../protocol/closing-stack.ts";

interface Paying extends AsyncDisposable {
  readonly payer: PayerSide;
  readonly harness?: Harness;
}

type Around = Pick<Surroundings, "terminal" | "env" | "signal" | "cwd">;

export async function openPaying(
  url: string,
  flags: CheckFlags,
  ring: 2 | 3,
  around: Around,
): Promise<Paying> {
  readUrl("The URL", url);
  const { keyEnv } = flags;
  if (keyEnv === undefined)
    return ring === 3 ? inHarness(url, flags, around) : inWorld(url, flags, around);
  if (ring === 3 || flags.serve !== undefined) {
    throw usageError(
      "With --key-env the server settles on Base Sepolia, which the tester neither hosts nor breaks.",
      "Leave --key-env out for --ring 3 and --serve: they bring a chain of their own.",
    );
  }
  return await fromKey(keyEnv, flags, around);
}

function portsOf(flags: CheckFlags) {
  return {
    facilitatorPort: readPort("--facilitator-port", flags.facilitatorPort),
    rpcPort: readPort("--rpc-port", flags.rpcPort),
    maxSpend: flags.maxSpend === undefined ? undefined : readAmount(flags.maxSpend),
  };
}

async function inWorld(url: string, flags: CheckFlags, around: Around): Promise<Paying> {
  await using opened = new ClosingStack();
  const world = opened.use(await openLocalWorld(portsOf(flags)));
  const settings = serverSettings(world);
  const served = serverOf(url, flags, around, settings);
  if (served) opened.defer(() => served.kill());
  await meet(url, served, settings, around);
  const held = opened.move();
  return { payer: world.payer, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
}

async function inHarness(url: string, flags: CheckFlags, around: Around): Promise<Paying> {
  await using opened = new ClosingStack();
  let served: ServedCommand | undefined;
  const harness = opened.use(
    await openHarness({
      ...portsOf(flags),
      witnessPort: readPort("--witness-port", flags.witnessPort),
      chaosSeed: flags.chaos ?? flags.seed,
      outageMs: flags.load ? 60_000 : undefined,
      ...(flags.serve !== undefined && {
        server: (settings) => (served = servedBy(flags.serve ?? "", url, flags, around, settings)),
      }),
    }),
  );
  await meet(url, served, harness.settings, around);
  const held = opened.move();
  return {
    payer: harness.payer,
    harness,
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

function serverOf(url: string, flags: CheckFlags, around: Around, settings: ServerSettings) {
  const { serve } = flags;
  return serve === undefined ? undefined : servedBy(serve, url, flags, around, settings);
}

function servedBy(
  command: string,
  url: string,
  { verbose }: CheckFlags,
  { terminal, env, cwd, signal }: Around,
  settings: ServerSettings,
): ServedCommand {
  const { port } = new URL(url);
  const onLine = verbose ? (line: string) => terminal.note(terminal.paint.dim(line)) : undefined;
  const told = { ...(port !== "" && { PORT: port }), ...settings };
  return servedCommand({ command, cwd, env, settings: told, url, onLine, signal });
}

/** Starts the server, or says how to and waits for it. */
async function meet(
  url: string,
  served: ServedCommand | undefined,
  settings: ServerSettings,
  { terminal, signal }: Around,
): Promise<void> {
  if (served) {
    await startServed(served, url);
    return;
  }
  terminal.note("Point the server under test at these (play money, on this machine alone):");
  tellSettings(settings, terminal.note);
  await waitFor(url, terminal.note, signal);
}

async function fromKey(
  name: string,
  { rpc, maxSpend, allowMainnet = false }: CheckFlags,
  { env, terminal }: Around,
): Promise<Paying> {
  const key = readKeyEnv(name, env);
  if (key === undefined) {
    throw usageError(
      `The variable ${name}, which --key-env names, is not set.`,
      `Export a key of a test network in it (0x and 64 hexadecimal digits): export ${name}=0x…`,
    );
  }
  if (rpc === undefined) {
    throw usageError(
      "Paying from --key-env needs an RPC server of the network.",
      "Say --rpc <url>, such as that of Base Sepolia.",
    );
  }
  if (maxSpend === undefined) {
    throw usageError(
      "Paying from --key-env needs a limit.",
      "Say --max-spend with the most that the whole run may sign for, such as 1.00.",
    );
  }
  const payer = await fundedPayer({
    account: privateKeyToAccount(key),
    rpcUrl: readUrl("--rpc", rpc),
    asset: allowMainnet ? BASE_USDC : BASE_SEPOLIA_USDC,
    maxSpend: readAmount(maxSpend),
    allowMainnet,
  });
  terminal.note(
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
  for (let turn = 0; turn < 120; turn++) {
    const answer = await fetch(url, { redirect: "manual", signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (answer !== undefined && answer.status < 500) return;
    if (turn === 0) note(`Waiting up to a minute for ${url} to answer.`);
    await setTimeout(500, undefined, { signal });
  }
}
