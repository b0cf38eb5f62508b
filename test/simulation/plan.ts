/** What a seed decides beforehand: who sells what, what may be spent, how many processes pay, and how bad the world is. */
import type { Address } from "viem";
import type { Chance } from "./chance.ts";

type Protocol = "v1" | "v2" | "mpp";

interface ShopPlan {
  /** The policy's id for it. */
  readonly id: string;
  readonly origin: string;
  readonly payTo: Address;
  /** Per month. */
  readonly cap: bigint;
  /** How often it cheats rather than sells, while faults last. */
  readonly malice: number;
}

/** A request that costs money. */
export interface ItemPlan {
  readonly shop: ShopPlan;
  readonly url: string;
  readonly body: string;
  /** The paying fetch, which goes by a policy, or the paying call, which goes by a quote. */
  readonly door: "fetch" | "catalog";
  /** Two items with one key are a conflict: the same purchase for two requests. */
  readonly key: string;
  readonly price: bigint;
  readonly protocols: readonly Protocol[];
}

export interface Plan {
  readonly startMs: number;
  /** How long faults last. */
  readonly faultMs: number;
  readonly shops: readonly ShopPlan[];
  readonly items: readonly ItemPlan[];
  readonly walletCap: bigint;
  readonly ceiling: bigint;
  readonly processes: number;
  readonly callers: number;
  readonly calls: number;
  readonly timeoutMs: number;
  /** Whether the paying fetch waits for the chain before it returns what it bought. */
  readonly confirm: "wait" | "background";
  /** How many payments the paying fetch may begin in a minute. */
  readonly perMinute: number;
  /** At start a process may take what is open for its own, from before, or for another's that is alive. */
  readonly startGraceMs: number;
  /** The longest that a commit and a signature take. */
  readonly diskMs: number;
  readonly signerMs: number;
  readonly blockMs: number;
  /** How many blocks behind the newest the finalized one is. */
  readonly finality: number;
  readonly maxTimeoutSeconds: number;
  /** How far each process's clock is off at first. */
  readonly skewMs: number;
  /** Probabilities: of an event in each second, or of each message, commit, question, signature or call. */
  readonly rates: {
    readonly crash: number;
    readonly powerFailure: number;
    readonly clockJump: number;
    readonly cancel: number;
    readonly reorg: number;
    readonly drop: number;
    readonly duplicate: number;
    readonly slow: number;
    readonly rpc: number;
    readonly disk: number;
    readonly signer: number;
    readonly abort: number;
  };
}

const address = (digit: string): Address => `0x${digit.repeat(40)}`;

/** Nobody's in the policy. */
export const THIEF = address("e");

export function makePlan(chance: Chance): Plan {
  // Beyond what a float can hold, in some worlds.
  const unit = chance.happens(0.3) ? 1_000_000_000_000_003n : 1n;
  const amount = (min: number, max: number) => unit * BigInt(chance.int(min, max));
  const shops = ["a", "b"].map((id) => ({
    id,
    origin: `http://${id}.example`,
    payTo: address(id),
    cap: amount(20, 120),
    malice: chance.happens(0.5) ? 0.1 : 0.5,
  }));
  const protocols: readonly (readonly Protocol[])[] = [
    ["v1"],
    ["v2"],
    ["mpp"],
    ["v1", "v2", "mpp"],
  ];
  const items = Array.from({ length: chance.int(3, 7) }, (_, index): ItemPlan => {
    const shop = chance.pick(shops);
    return {
      shop,
      url: `${shop.origin}/item/${index}`,
      body: `{"item":${index}}`,
      door: chance.pick(["fetch", "fetch", "catalog"]),
      key: `key-${index > 0 && chance.happens(0.1) ? index - 1 : index}`,
      price: amount(5, 40),
      protocols: chance.pick(protocols),
    };
  });
  const rate = (of: number, most: number) => (chance.happens(of) ? chance.next() * most : 0);
  return {
    // Half of them a minute before a month ends.
    startMs: Date.UTC(2026, 10, chance.happens(0.5) ? 20 : 30, 23, 59, 0),
    faultMs: chance.int(30, 90) * 1000,
    shops,
    items,
    walletCap: amount(40, 200),
    ceiling: unit * 40n,
    processes: chance.int(1, 4),
    callers: chance.int(1, 3),
    calls: chance.int(1, 4),
    timeoutMs: chance.pick([500, 3_000, 20_000]),
    confirm: chance.pick(["wait", "background"]),
    perMinute: chance.pick([2, 10_000, 10_000]),
    startGraceMs: chance.pick([0, 30_000]),
    diskMs: chance.pick([3, 3, 300]),
    signerMs: chance.pick([3, 3, 5_000]),
    blockMs: chance.pick([1_000, 2_000, 5_000]),
    finality: chance.int(1, 8),
    maxTimeoutSeconds: chance.pick([15, 60, 600]),
    skewMs: chance.pick([0, 2_000, 60_000]),
    rates: {
      crash: rate(0.6, 0.1),
      powerFailure: rate(0.3, 0.05),
      clockJump: rate(0.3, 0.05),
      cancel: rate(0.3, 0.3),
      reorg: rate(0.2, 0.1),
      drop: rate(0.5, 0.3),
      duplicate: rate(0.4, 0.3),
      slow: rate(0.4, 0.3),
      rpc: rate(0.5, 0.3),
      disk: rate(0.2, 0.1),
      signer: rate(0.2, 0.2),
      abort: rate(0.2, 0.5),
    },
  };
}
