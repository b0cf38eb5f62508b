/**
 * Ring 3: everything around the endpoint is the tester's. Chain and facilitator are real and on this machine; between the endpoint and
 * the facilitator stands a link that can misbehave, behind the endpoint the witness of its work, and where the tester starts the
 * endpoint itself, it can also kill it.
 */
import { createWalletClient, type Hex, http, type LocalAccount } from "viem";
import { type LocalWorld, type LocalWorldOptions, openLocalWorld } from "../local-world.ts";
import { type FacilitatorLink, openFacilitatorLink } from "./facilitator-link.ts";
import { serverSettings, type ServerSettings } from "./settings.ts";
import { Timeline } from "./timeline.ts";
import { openWitness, type Witness } from "./witness.ts";
import { ClosingStack } from "../../protocol/closing-stack.ts";

/** A server under test that the tester may kill. */
export interface ServerControl {
  /** At once, without leave to finish anything. */
  kill(): Promise<void>;
  /** Resolves when it listens; with false where it does not within the time, its own or this one. */
  start(withinMs?: number): Promise<boolean>;
}

export interface Harness extends LocalWorld {
  readonly link: FacilitatorLink;
  readonly witness: Witness;
  readonly timeline: Timeline;
  /** What the server under test must be told. */
  readonly settings: ServerSettings;
  readonly server: ServerControl | undefined;
  /** How long an endpoint may take while its facilitator is silent. */
  readonly patienceMs: number;
  /** What the random faults are drawn from. */
  readonly chaosSeed: string;
  /** How long the long random schedule runs. */
  readonly stormMs: number;
  /** How long the facilitator is away in the case of that. */
  readonly outageMs: number;
  /** Sends a transaction to the token from an account that holds ether; resolves when it is mined. */
  send(account: LocalAccount, data: Hex): Promise<void>;
}

export interface HarnessOptions extends LocalWorldOptions {
  readonly witnessPort?: number | undefined;
  /** Makes what starts the server, once it is known what it must be told. It is killed in the end. */
  readonly server?: ((settings: ServerSettings) => ServerControl) | undefined;
  /** Default: 32 s, which leaves a server the common 30 s. */
  readonly patienceMs?: number | undefined;
  /** Default: "1". */
  readonly chaosSeed?: string | undefined;
  /** Default: five minutes. */
  readonly stormMs?: number | undefined;
  /** Default: one second. */
  readonly outageMs?: number | undefined;
}

/** Opens it; throws a `ChainError`, or `CHECK_PORT_TAKEN`. */
export async function openHarness(options: HarnessOptions = {}): Promise<Harness> {
  const { facilitatorPort = 0, witnessPort = 0, chaosSeed = "1" } = options;
  const { patienceMs = 32_000, stormMs = 300_000, outageMs = 1_000 } = options;
  await using opened = new ClosingStack();
  const world = opened.use(await openLocalWorld({ ...options, facilitatorPort: undefined }));
  const timeline = new Timeline();
  const witness = opened.use(await openWitness({ port: witnessPort, timeline }));
  const upstream = world.facilitatorUrl;
  const link = opened.use(await openFacilitatorLink({ upstream, port: facilitatorPort, timeline }));
  const { rpcUrl, asset, payer } = world;
  const settings = serverSettings({ ...world, facilitatorUrl: link.url, witnessUrl: witness.url });
  const server = options.server?.(settings);
  opened.defer(() => server?.kill());
  await world.fund(payer.account.address, { ether: 10n ** 18n });
  const transport = http(rpcUrl);
  const held = opened.move();
  return {
    ...world,
    facilitatorUrl: link.url,
    link,
    witness,
    timeline,
    settings,
    server,
    patienceMs,
    chaosSeed,
    stormMs,
    outageMs,
    async send(account, data) {
      const wallet = createWalletClient({ account, transport });
      const hash = await wallet.sendTransaction({ chain: null, to: asset.address, data });
      await payer.money?.chain.client.waitForTransactionReceipt({ hash, pollingInterval: 20 });
    },
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}
