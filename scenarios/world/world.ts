/**
 * The world that a run happens in: chain, facilitator, wallet, orchestrator and provider, each a server of its own that meets
 * the others over HTTP. All of its state lies in one folder, from which it reopens at the same addresses, however it ended;
 * and whatever was started is stopped when it closes, when a part fails, and when the program dies.
 */
import { randomUUID } from "node:crypto";
import type { Address } from "viem";
import type { Chain, LocalChain } from "../../chain/index.ts";
import type { Orchestrator, SignInOptions } from "../../orchestrator/index.ts";
import type { Asset } from "../../protocol/index.ts";
import type { CloudflareServer } from "../../provider/index.ts";
import type { Ledger } from "../../store/index.ts";
import { FrontMatter, type WorldOptions as Vocabulary } from "../format/scenario.ts";
import { makeFolder } from "../make-folder.ts";
import type { WorldAddresses } from "../run/run-result.ts";
import { Attendance, type Attendant } from "./attendance.ts";
import { Closers } from "./closers.ts";
import * as parts from "./parts.ts";
import { starting, WorldError, type WorldPart } from "./world-error.ts";
import { readWorldFile, writeWorldFile } from "./world-file.ts";
import { lockWorld } from "./world-lock.ts";

export interface OpenWorldOptions {
  /** Everything that the world remembers lies here; made if need be. */
  dir: string;
  /** As a scenario describes it; by default an honest world with a funded wallet. */
  options?: Vocabulary;
  /** Base URLs of the user's own providers. */
  providers?: readonly string[];
  /** Only for the naive calibration agent: the wallet pays whatever it is asked, within budget and caps. */
  uncheckedOffers?: boolean;
  /** Starts what a deployment needs ahead of it. */
  prewarm?: boolean;
  /** How people sign in at the orchestrator by a browser; without it nobody does. */
  signIn?: SignInOptions;
  signal?: AbortSignal | undefined;
  /** Milliseconds since the epoch. */
  now?: () => number;
  newId?: () => string;
}

export interface World extends AsyncDisposable {
  readonly dir: string;
  readonly addresses: WorldAddresses;
  readonly asset: Asset;
  readonly chain: Chain;
  readonly localChain: LocalChain;
  readonly ledger: Ledger;
  /** Undefined where the user has no payment method. */
  readonly walletAddress: Address | undefined;
  readonly orchestrator: Orchestrator;
  readonly cloudflare: CloudflareServer;
  /** Gives the attendant the servers' events and questions, until it is disposed; one run at a time. */
  attend(attendant: Attendant): Disposable;
  close(): Promise<void>;
}

/** Opens or reopens the world, or throws a `WorldError` that names the part. */
export async function openWorld(order: OpenWorldOptions): Promise<World> {
  const closers = new Closers();
  try {
    const world = await openParts(order, closers);
    if (order.signal?.aborted) throw interrupted();
    return world;
  } catch (error) {
    await closers.close().catch(() => {});
    // Ctrl-C in a terminal reaches the parts' processes too: that they ended then is no failure of theirs.
    throw order.signal?.aborted ? interrupted() : error;
  }
}

function interrupted(): WorldError {
  return new WorldError("WORLD_INTERRUPTED", {
    problem: "The world was being opened when it was told to stop; everything has been closed.",
    nextStep: "Start it again; a run goes on with --resume.",
  });
}

async function openParts(order: OpenWorldOptions, closers: Closers): Promise<World> {
  const { dir, providers = [], now = Date.now, newId = randomUUID } = order;
  const lock = await starting("folder", () => {
    makeFolder(dir, 0o700);
    return lockWorld(dir);
  });
  closers.defer(() => lock.release());
  const attendance = new Attendance();
  const setting: parts.Setting = {
    dir,
    options: order.options ?? FrontMatter.parse({}).world,
    uncheckedOffers: order.uncheckedOffers ?? false,
    before: readWorldFile(dir)?.ports,
    attendance,
    signIn: order.signIn,
    now,
    newId,
  };
  const begin = <T extends AsyncDisposable>(part: WorldPart, open: () => Promise<T>) =>
    closers.adopt(starting(part, open));
  // Each begins at once, and waits by itself for what it needs.
  const chainStart = begin("chain", () => parts.startChain(setting));
  const walletStart = begin("wallet", () => parts.startWallet(setting, chainStart));
  const facilitatorStart = begin("facilitator", () => parts.startFacilitator(setting, chainStart));
  const orchestratorStart = begin("orchestrator", () =>
    parts.startOrchestrator(setting, walletStart),
  );
  const cloudflareStart = begin("cloudflare", () =>
    parts.startCloudflare(setting, { facilitatorStart, orchestratorStart }),
  );
  const [{ local, chain }, { ledger, address }, facilitator, { url, orchestrator }, cloudflare] =
    await Promise.all([
      chainStart,
      walletStart,
      facilitatorStart,
      orchestratorStart,
      cloudflareStart,
    ]);
  for (const provider of [cloudflare.url, ...providers]) orchestrator.addProvider(provider);
  // Whatever goes wrong here is told where it is needed: at the first deployment.
  if (order.prewarm ?? true) cloudflare.opened.prewarm().catch(() => {});
  const addresses: WorldAddresses = {
    rpcUrl: local.rpcUrl,
    facilitatorUrl: facilitator.url,
    orchestratorUrl: url,
    providers: { cloudflare: cloudflare.url },
  };
  writeWorldFile(dir, { version: 1, ports: portsOf(addresses, cloudflare.url) });
  const close = () => closers.close();
  return {
    dir,
    addresses,
    asset: parts.ASSET,
    chain,
    localChain: local,
    ledger,
    walletAddress: address,
    orchestrator,
    cloudflare,
    attend: (attendant) => attendance.attend(attendant),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function portsOf(addresses: WorldAddresses, cloudflareUrl: string) {
  const port = (url: string) => Number(new URL(url).port);
  return {
    chain: port(addresses.rpcUrl),
    facilitator: port(addresses.facilitatorUrl),
    orchestrator: port(addresses.orchestratorUrl),
    cloudflare: port(cloudflareUrl),
  };
}
