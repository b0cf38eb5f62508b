/**
 * The cap race: a limit of ten payments, and fifty purchases at once from one or more processes that share one key (and, where the
 * client keeps one, one ledger). What counts is what the chain has moved.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { openKillWorld } from "../kill/kill-world.ts";
import { stockShopMppx, stockShopV1, stockShopV2 } from "../stock-shops.ts";
import type { ClientName, RacePlan } from "./clients.ts";
import { bundled } from "../../support/bundled.ts";

export interface RaceOptions {
  readonly client: ClientName;
  readonly processes: number;
  /** The URL of a PostgreSQL database for the ledger; without it a SQLite file. */
  readonly postgres?: string | undefined;
}

export interface RaceResult {
  /** Transfers on the chain. */
  readonly charged: number;
  /** How the purchases went, by word. */
  readonly words: Readonly<Record<string, number>>;
}

export const PURCHASES = 50;
const CHILD = await bundled(new URL("race-child.ts", import.meta.url));

/** Each client's own server; ours is met by the newest stock one. */
const SELLERS = {
  purser: stockShopV2,
  "x402-fetch": (facilitatorUrl: string) => stockShopV1(facilitatorUrl),
  "@x402/fetch": stockShopV2,
  mppx: stockShopMppx,
} as const satisfies Record<ClientName, unknown>;

export async function raceForCap(options: RaceOptions): Promise<RaceResult> {
  const { client, processes, postgres } = options;
  await using world = await openKillWorld(postgres);
  const { market, key, payer, book } = world;
  await using seller = await SELLERS[client](market.facilitator.url);
  const { rpcUrl } = market.chain;
  const { url, payTo } = seller;
  const racers = Array.from({ length: processes }, (_, index) => {
    const items = Array.from({ length: PURCHASES }, (_, item) => `item-${item}`);
    const own = items.filter((_, item) => item % processes === index);
    return new Racer({ client, rpcUrl, key, book, url, payTo, items: own }, world.folder);
  });
  await Promise.all(racers.map(({ ready }) => ready));
  for (const racer of racers) racer.start();
  const words = (await Promise.all(racers.map(({ words }) => words))).flat();
  await Promise.all(racers.map(({ ended }) => ended));
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  const transfers = await market.chain.chain.transfersFrom(payer);
  return { charged: transfers.length, words: counts };
}

class Racer {
  readonly ready: Promise<void>;
  readonly words: Promise<string[]>;
  readonly ended: Promise<unknown>;
  readonly start: () => void;

  constructor(plan: RacePlan, cacheFolder: string) {
    const env = { NODE_COMPILE_CACHE: cacheFolder, ...process.env };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(plan)], { env });
    const ready = Promise.withResolvers<void>();
    const words = Promise.withResolvers<string[]>();
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line === "ready") ready.resolve();
      if (line.startsWith("[")) words.resolve(JSON.parse(line) as string[]);
    });
    child.once("close", () => {
      const error = new Error(`a racer ended early: ${errors.slice(0, 2_000)}`);
      ready.reject(error);
      words.reject(error);
    });
    this.ended = once(child, "close");
    this.ready = ready.promise;
    this.words = words.promise;
    this.start = () => void child.stdin.write("go\n");
  }
}
