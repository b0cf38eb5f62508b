/**
 * How each part of the local world starts. A part's code loads when the part begins, so that the processes of the first ones
 * (the chain, the signer) come up while the code of the others still loads.
 */
import { join } from "node:path";
import type { Chain, LocalChain } from "../../chain/index.ts";
import type { RunningFacilitator } from "../../facilitator/index.ts";
import type { OrchestratorServer, SignInOptions } from "../../orchestrator/index.ts";
import { type Asset, BASE_SEPOLIA_USDC, parseDecimal } from "../../protocol/index.ts";
import type { CloudflareServer } from "../../provider/index.ts";
import type { WorldOptions } from "../format/scenario.ts";
import type { Attendance } from "./attendance.ts";
import { openKeyFile } from "./key-file.ts";
import { crookedOptions } from "./offer.ts";
import { PAYEES } from "./payees.ts";
import { requirePort } from "./ports.ts";
import type { WorldWallet } from "./wallet.ts";
import type { WorldPorts } from "./world-file.ts";

/** What all parts of a world share. */
export interface Setting {
  dir: string;
  options: WorldOptions;
  uncheckedOffers: boolean;
  /** Where the parts were before, in a world that reopens. */
  before: WorldPorts | undefined;
  attendance: Attendance;
  signIn: SignInOptions | undefined;
  now: () => number;
  newId: () => string;
}

export interface WorldChain extends AsyncDisposable {
  local: LocalChain;
  chain: Chain;
}

/** Who the orchestrator is to providers, at whatever port it listens. */
export const ISSUER = "https://orchestrator.purser.localhost";
export const ASSET: Asset = BASE_SEPOLIA_USDC;
/** The signed-in user of the local world. */
export const USER = {
  id: "usr_local",
  email: "ada@example.com",
  name: "Ada Local",
  emailVerified: true,
};
/** What a new wallet holds: more than any scenario spends, so that only budget and cap limit it. */
const WALLET_FUNDS = parseDecimal("1000.00", ASSET.decimals);
/** Wei for the facilitator, which pays the gas. */
const GAS_FUNDS = 10n ** 20n;
const MIN_GAS = 10n ** 18n;

export async function startChain({ dir, before }: Setting): Promise<WorldChain> {
  const port = before?.chain ?? 0;
  const { openChain, startLocalChain } = await import("../../chain/index.ts");
  const starting = startLocalChain({ dir: join(dir, "chain"), port });
  const local = await starting.catch(async (error: unknown) => {
    // It has waited for the chain of a program that was killed a moment ago; who has the port now is somebody else.
    if (port !== 0) await requirePort("chain", port);
    throw error;
  });
  try {
    const chain = await openChain({ rpcUrl: local.rpcUrl, asset: ASSET });
    return { local, chain, [Symbol.asyncDispose]: () => local.close() };
  } catch (error) {
    await local.close();
    throw error;
  }
}

export async function startFacilitator(
  { dir, before, now }: Setting,
  chainStart: Promise<WorldChain>,
): Promise<RunningFacilitator> {
  const [{ startFacilitator: start }, { privateKeyToAccount }] = await Promise.all([
    import("../../facilitator/index.ts"),
    import("viem/accounts"),
  ]);
  const privateKey = openKeyFile(join(dir, "facilitator", "key")).reveal();
  const { address } = privateKeyToAccount(privateKey);
  const { local, chain } = await chainStart;
  const gas = await chain.client.getBalance({ address });
  if (gas < MIN_GAS) await local.fund(address, { ether: GAS_FUNDS });
  const { rpcUrl } = local;
  const port = before?.facilitator ?? 0;
  return start({ rpcUrl, privateKey, asset: ASSET, dir: join(dir, "facilitator"), port, now });
}

export async function startWallet(
  { dir, options, uncheckedOffers, attendance: trace, now }: Setting,
  chainStart: Promise<WorldChain>,
): Promise<WorldWallet> {
  const { openWallet } = await import("./wallet.ts");
  return openWallet({
    dir: join(dir, "wallet"),
    keyless: options.payment_method === "none",
    chain: chainStart,
    funds: WALLET_FUNDS,
    uncheckedOffers,
    trace,
    now,
  });
}

export async function startOrchestrator(
  { dir, before, options, attendance, signIn, now, newId }: Setting,
  walletStart: Promise<WorldWallet>,
): Promise<OrchestratorServer> {
  const { startOrchestrator: start } = await import("../../orchestrator/index.ts");
  const { wallet, ledger } = await walletStart;
  return start({
    dir: join(dir, "orchestrator"),
    issuer: ISSUER,
    user: USER,
    ...(signIn && { signIn }),
    human: attendance,
    wallet,
    ledger,
    defaultCap: parseDecimal(options.cap, ASSET.decimals),
    trace: attendance,
    port: before?.orchestrator ?? 0,
    now,
    newId,
  });
}

export async function startCloudflare(
  { dir, before, options, now, newId }: Setting,
  neighbours: {
    facilitatorStart: Promise<RunningFacilitator>;
    orchestratorStart: Promise<OrchestratorServer>;
  },
): Promise<CloudflareServer> {
  const { startCloudflare: start } = await import("../../provider/index.ts");
  const { url: facilitatorUrl } = await neighbours.facilitatorStart;
  const { url } = await neighbours.orchestratorStart;
  return start({
    dir: join(dir, "cloudflare"),
    facilitatorUrl,
    payTo: PAYEES.cloudflare,
    ...(options.offer?.pay_to === "second" ? { alsoPayTo: [PAYEES.second] } : {}),
    asset: ASSET,
    trust: [{ issuer: ISSUER, keysUrl: `${url}/v2/provisioning/public_keys`, clientId: ISSUER }],
    ...(before ? { port: before.cloudflare } : {}),
    ...(options.taken.length > 0 ? { takenDomains: options.taken } : {}),
    crooked: crookedOptions(options),
    now,
    newId,
  });
}
