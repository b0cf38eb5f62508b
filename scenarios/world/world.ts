/**
 * The world that a run happens in: chain, facilitator, wallet, orchestrator and provider, each a server of its own that meets
 * the others over HTTP. All of its state lies in one folder, from which it reopens at the same addresses, however it ended;
 * and whatever was started is stopped when it closes, when a part fails, and when the program dies.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Address } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { type Chain, type LocalChain, openChain, startLocalChain } from "../../chain/index.ts";
import { startFacilitator } from "../../facilitator/index.ts";
import { type Orchestrator, startOrchestrator } from "../../orchestrator/index.ts";
import { type Asset, BASE_SEPOLIA_USDC, parseDecimal } from "../../protocol/index.ts";
import { type CloudflareServer, startCloudflare } from "../../provider/index.ts";
import type { Ledger } from "../../store/index.ts";
import { FrontMatter, type WorldOptions as Vocabulary } from "../format/scenario.ts";
import type { WorldAddresses } from "../run/run-result.ts";
import { Attendance, type Attendant } from "./attendance.ts";
import { Closers } from "./closers.ts";
import { openKeyFile } from "./key-file.ts";
import { crookedOptions } from "./offer.ts";
import { PAYEES } from "./payees.ts";
import { requirePort } from "./ports.ts";
import { openWallet } from "./wallet.ts";
import { starting, type WorldPart } from "./world-error.ts";
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
  signal?: AbortSignal;
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

/** Who the orchestrator is to providers, at whatever port it listens. */
export const ISSUER = "https://orchestrator.purser.localhost";
/** The signed-in user of the local world. */
const USER = { id: "usr_local", email: "ada@example.com", name: "Ada Local", emailVerified: true };
/** What a new wallet holds: more than any scenario spends, so that only budget and cap limit it. */
const WALLET_FUNDS = parseDecimal("1000.00", BASE_SEPOLIA_USDC.decimals);
/** Wei for the facilitator, which pays the gas. */
const GAS_FUNDS = 10n ** 20n;
const MIN_GAS = 10n ** 18n;

/** Opens or reopens the world, or throws a `WorldError` that names the part. */
export async function openWorld(order: OpenWorldOptions): Promise<World> {
  const closers = new Closers();
  try {
    return await openParts(order, closers);
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

async function openParts(order: OpenWorldOptions, closers: Closers): Promise<World> {
  const { dir, signal, providers = [], now = Date.now, newId = randomUUID } = order;
  const options = order.options ?? FrontMatter.parse({}).world;
  const begin = <T extends AsyncDisposable>(part: WorldPart, open: () => Promise<T>) =>
    closers.adopt(starting(part, open));

  const lock = await starting("folder", () => {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return lockWorld(dir);
  });
  closers.defer(() => lock.release());
  const before = readWorldFile(dir)?.ports;
  const attendance = new Attendance();
  const asset = BASE_SEPOLIA_USDC;

  // Each begins as soon as what it needs is there.
  const chainStart = begin("chain", () => openWorldChain(join(dir, "chain"), before?.chain));
  const facilitatorStart = begin("facilitator", async () => {
    const { local, chain } = await chainStart;
    const account = privateKeyToAccount(openKeyFile(join(dir, "facilitator", "key")).reveal());
    const gas = await chain.client.getBalance({ address: account.address });
    if (gas < MIN_GAS) await local.fund(account.address, { ether: GAS_FUNDS });
    const { rpcUrl } = local;
    return startFacilitator({ rpcUrl, account, asset, port: before?.facilitator ?? 0, now });
  });
  const walletStart = begin("wallet", () =>
    openWallet({
      dir: join(dir, "wallet"),
      keyless: options.payment_method === "none",
      chain: chainStart,
      funds: WALLET_FUNDS,
      uncheckedOffers: order.uncheckedOffers ?? false,
      trace: attendance,
      now,
    }),
  );
  const orchestratorStart = begin("orchestrator", async () => {
    const { wallet, ledger } = await walletStart;
    return startOrchestrator({
      dir: join(dir, "orchestrator"),
      issuer: ISSUER,
      user: USER,
      human: attendance,
      wallet,
      ledger,
      defaultCap: parseDecimal(options.cap, asset.decimals),
      trace: attendance,
      port: before?.orchestrator ?? 0,
      now,
      newId,
    });
  });
  const cloudflareStart = begin("cloudflare", async () => {
    const [{ url: facilitatorUrl }, { url }] = await Promise.all([
      facilitatorStart,
      orchestratorStart,
    ]);
    const keysUrl = `${url}/v2/provisioning/public_keys`;
    const server = await startCloudflare({
      dir: join(dir, "cloudflare"),
      facilitatorUrl,
      payTo: PAYEES.cloudflare,
      ...(options.offer?.pay_to === "second" ? { alsoPayTo: [PAYEES.second] } : {}),
      asset,
      trust: [{ issuer: ISSUER, keysUrl, clientId: ISSUER }],
      ...(before ? { port: before.cloudflare } : {}),
      ...(options.taken.length > 0 ? { takenDomains: options.taken } : {}),
      crooked: crookedOptions(options),
      now,
      newId,
    });
    // Whatever goes wrong here is told where it is needed: at the first deployment.
    if (order.prewarm ?? true) server.opened.prewarm().catch(() => {});
    return server;
  });

  const [{ local, chain }, facilitator, { ledger, address }, { url, orchestrator }, cloudflare] =
    await Promise.all([
      chainStart,
      facilitatorStart,
      walletStart,
      orchestratorStart,
      cloudflareStart,
    ]);
  for (const provider of [cloudflare.url, ...providers]) orchestrator.addProvider(provider);
  writeWorldFile(dir, {
    version: 1,
    ports: {
      chain: portOf(local.rpcUrl),
      facilitator: portOf(facilitator.url),
      orchestrator: portOf(url),
      cloudflare: portOf(cloudflare.url),
    },
  });
  signal?.throwIfAborted();
  const own = Object.fromEntries(providers.map((provider) => [new URL(provider).host, provider]));
  const close = () => closers.close();
  return {
    dir,
    addresses: {
      rpcUrl: local.rpcUrl,
      facilitatorUrl: facilitator.url,
      orchestratorUrl: url,
      providers: { cloudflare: cloudflare.url, ...own },
    },
    asset,
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

async function openWorldChain(dir: string, port: number | undefined) {
  if (port !== undefined) await requirePort("chain", port);
  const local = await startLocalChain({ dir, ...(port === undefined ? {} : { port }) });
  try {
    const chain = await openChain({ rpcUrl: local.rpcUrl, asset: local.asset });
    return { local, chain, [Symbol.asyncDispose]: () => local.close() };
  } catch (error) {
    await local.close();
    throw error;
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
