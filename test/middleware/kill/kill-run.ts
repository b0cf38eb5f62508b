/**
 * Kills processes that share one wallet, four at a time, and audits what they leave. Every other life dies at a named crash point,
 * each in its turn, and the rest at a random moment; what a dead life was at is asked for again by a later one.
 */
import { join } from "node:path";
import { type Random, seeded } from "../../support/random.ts";
import { type Audit, audit } from "./audit.ts";
import { CRASH_POINTS, type CrashPlan, type CrashPoint } from "./crash-points.ts";
import { openKillWorld, type KillWorld } from "./kill-world.ts";
import { type Life, live } from "./life.ts";
import { openBook, type Plan } from "./payer.ts";

export interface KillRunOptions {
  readonly kills: number;
  readonly seed: number;
  /** The URL of a PostgreSQL database; without it the book is a SQLite file. */
  readonly postgres?: string | undefined;
  /** Kills in one world, before it is audited and another one begins. */
  readonly killsPerRound?: number;
  readonly onRound?: (done: KillReport) => void;
}

export interface KillReport {
  readonly seed: number;
  kills: number;
  /** Lives that came to their end. */
  ended: number;
  /** How many died where; "random" is any moment. */
  readonly at: Record<string, number>;
  rounds: number;
  payments: number;
  settled: number;
  released: number;
  readonly violations: string[];
}

const PROCESSES = 4;
const POINTS = Object.keys(CRASH_POINTS) as CrashPoint[];
const PRICE = 10_000n;

export async function runKills(options: KillRunOptions): Promise<KillReport> {
  const { kills, seed, postgres, killsPerRound = 60, onRound } = options;
  const random = seeded(seed);
  const at = Object.fromEntries([...POINTS, "random"].map((point) => [point, 0]));
  const report: KillReport = {
    seed,
    kills: 0,
    ended: 0,
    at,
    rounds: 0,
    payments: 0,
    settled: 0,
    released: 0,
    violations: [],
  };
  while (report.kills < kills) {
    await using world = await openKillWorld(postgres);
    const wanted = Math.min(killsPerRound, kills - report.kills);
    const found = await new Round(world, random, report, wanted).run();
    report.rounds += 1;
    report.payments += found.payments;
    report.settled += found.settled;
    report.released += found.released;
    report.violations.push(...found.violations.map((text) => `round ${report.rounds}: ${text}`));
    onRound?.(report);
  }
  return report;
}

class Round {
  readonly #world: KillWorld;
  readonly #random: Random;
  readonly #report: KillReport;
  readonly #until: number;
  readonly #lives: Life[] = [];
  /** Items that a life was at when it died. */
  readonly #orphans: string[] = [];
  #items = 0;
  #begun = 0;

  constructor(world: KillWorld, random: Random, report: KillReport, kills: number) {
    this.#world = world;
    this.#random = random;
    this.#report = report;
    this.#until = report.kills + kills;
  }

  async run(): Promise<Audit> {
    const most = BigInt(this.#until - this.#report.kills) * 20n;
    // The first life is left alone.
    await this.#one(toDollars(most * PRICE));
    await this.#together((cap) => this.#untilKilled(cap), toDollars(most * PRICE));
    // At last the cap has room for five more than what is spent or may still be, and every process wants more than that, and is killed at it.
    const capAmount = BigInt((await this.#countAll()) + 5) * PRICE;
    const cap = toDollars(capAmount);
    await this.#together(
      (limit) => this.#one(limit, undefined, 100 + this.#random.below(400)),
      cap,
    );
    await this.#together((limit) => this.#one(limit, undefined), cap);
    return audit({ world: this.#world, lives: this.#lives, cap, capAmount });
  }

  /** The payments that count: what was sent before may settle after the cap is lowered. */
  async #countAll(): Promise<number> {
    const ledger = await openBook(this.#world.book);
    try {
      return (await ledger.list()).filter(({ state }) => state !== "released").length;
    } finally {
      ledger.close();
    }
  }

  async #together(work: (cap: string) => Promise<void>, cap: string): Promise<void> {
    await Promise.all(Array.from({ length: PROCESSES }, () => work(cap)));
  }

  async #untilKilled(cap: string): Promise<void> {
    while (this.#report.kills < this.#until) {
      const index = (this.#begun += 1);
      // As many at random moments as at named points.
      const point = index % 2 === 0 ? POINTS[(index / 2) % POINTS.length]! : undefined;
      const crash = point && { point, nth: 1 + this.#random.below(3) };
      await this.#one(cap, crash, crash ? undefined : this.#random.below(450));
    }
  }

  async #one(cap: string, crash?: CrashPlan, killAfterMs?: number): Promise<void> {
    const { market, key, book, sellers } = this.#world;
    const items = this.#order();
    const plan: Plan = {
      rpcUrl: market.chain.rpcUrl,
      key,
      book,
      sellers,
      cap,
      items,
      ...(crash ? { crash } : {}),
    };
    const cacheFolder = join(this.#world.folder, "compiled");
    const life = await live({ plan, cacheFolder, killAfterMs });
    this.#lives.push(life);
    if (!life.killed) {
      this.#report.ended += 1;
      return;
    }
    this.#report.kills += 1;
    const point = crash?.point ?? "random";
    this.#report.at[point] = (this.#report.at[point] ?? 0) + 1;
    const known = new Set(life.said.map(({ item }) => item));
    this.#orphans.push(...items.filter((item) => !known.has(item)).slice(0, 3));
  }

  /** What dead lives left, what other lives want at this moment too, and some of its own. */
  #order(): string[] {
    const letters = Object.keys(this.#world.sellers);
    const named = (kind: string, number: number) =>
      `${letters[number % letters.length]!}-${kind}-${number}`;
    const shared = Math.floor(this.#begun / PROCESSES) * 2;
    return this.#random.shuffle([
      ...this.#orphans.splice(0, 2),
      ...[0, 1].map((index) => named("shared", shared + index)),
      ...[0, 1, 2].map(() => named("own", (this.#items += 1))),
    ]);
  }
}

/** Atomic units of a token with six decimals, as the policy wants them. */
function toDollars(amount: bigint): string {
  const digits = amount.toString().padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
