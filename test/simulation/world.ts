/** Everything one run happens in: the plan of its seed, the doubles, the processes that live and die, and what watches them. */
import type { PayOutcome, SignIntent } from "../../middleware/index.ts";
import type { TraceEvent } from "../../protocol/index.ts";
import { BookCheck } from "./book-check.ts";
import { Chance } from "./chance.ts";
import { ChainDouble } from "./chain-double.ts";
import type { Disk } from "./disk.ts";
import { History } from "./history.ts";
import type { Answer, Message } from "./messages.ts";
import { type Mutant } from "./mutant.ts";
import { checkAbort, checkOutcome, checkTrace } from "./outcomes.ts";
import { type ItemPlan, makePlan, type Plan } from "./plan.ts";
import { type Actor, Scheduler } from "./scheduler.ts";
import { ShopDouble } from "./shop-double.ts";
import { live, type WalletProcess } from "./wallet-process.ts";
import { Watch } from "./watch.ts";

export interface Faults {
  drop: number;
  duplicate: number;
  slow: number;
  rpc: number;
  signer: number;
}

export class World {
  readonly chance: Chance;
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly disk: Disk;
  readonly mutant: Mutant;
  readonly history: History;
  readonly watch: Watch;
  readonly chain: ChainDouble;
  readonly book: BookCheck;
  readonly shop: ShopDouble;
  readonly faults: Faults;
  /** Whether people still ask and things still break. */
  faulty = true;
  failure: unknown;
  outcomes: Record<string, number> = {};
  readonly #processes = new Map<Actor, WalletProcess | undefined>();
  #calls = 0;

  constructor(seed: number, disk: Disk, mutant: Mutant) {
    const chance = new Chance(seed);
    const plan = makePlan(chance);
    const scheduler = new Scheduler(plan.startMs);
    const history = new History(scheduler);
    disk.begin(scheduler, chance);
    Object.assign(disk.faults, {
      failure: plan.rates.disk,
      ms: plan.diskMs,
      tellsEarly: mutant.diskTellsEarly ?? false,
    });
    const watch = new Watch({ disk, plan, history, scheduler });
    const { blockMs, finality, rates } = plan;
    const chain = new ChainDouble({ scheduler, chance, blockMs, finality, watcher: watch });
    chain.reorgRate = rates.reorg;
    const note = (what: string) => history.note("shop", what);
    this.shop = new ShopDouble({ scheduler, chance, chain, plan, note });
    this.book = new BookCheck({ disk, plan, chain, watch });
    this.chance = chance;
    this.plan = plan;
    this.scheduler = scheduler;
    this.history = history;
    this.disk = disk;
    this.mutant = mutant;
    this.watch = watch;
    this.chain = chain;
    const { drop, duplicate, slow, rpc, signer } = rates;
    this.faults = { drop, duplicate, slow, rpc, signer };
  }

  readonly serve = (message: Message, reply: (answer: Answer) => void): void =>
    this.shop.serve(message, reply);

  readonly onLeave = (actor: Actor, message: Message): void =>
    this.#watch(() => this.watch.onLeave(actor, message));

  readonly onSigned = (actor: Actor, intent: SignIntent): void =>
    this.#watch(() => this.watch.onSigned(actor, intent));

  readonly onTrace = (event: TraceEvent): void => this.#watch(() => checkTrace(this, event));

  /** The first failure is the run's. */
  fail(error: unknown): void {
    this.failure ??= error;
  }

  /** Asks for an item and holds what comes of it against what happened. */
  async buy(process: WalletProcess, actor: Actor, item: ItemPlan): Promise<PayOutcome | undefined> {
    const call = `call-${(this.#calls += 1)}`;
    this.history.note(actor, `${call} buys ${item.url} by ${item.door}`);
    const patience = this.#patience(actor);
    try {
      const outcome = await process.buy(item, call, patience);
      this.#count(actor, call, checkOutcome(this, outcome, call));
      return outcome;
    } catch (error) {
      if (error !== patience?.reason) throw error;
      checkAbort(this, call);
      this.#count(actor, call, "given up");
      return undefined;
    }
  }

  #count(actor: Actor, call: string, kind: string): void {
    this.history.note(actor, `${call} is ${kind}`);
    this.outcomes[kind] = (this.outcomes[kind] ?? 0) + 1;
  }

  /** Some give up waiting, at any moment. */
  #patience(actor: Actor): AbortSignal | undefined {
    if (!this.faulty || !this.chance.happens(this.plan.rates.abort)) return undefined;
    const controller = new AbortController();
    const giveUp = () => controller.abort(new Error("given up"));
    this.scheduler.schedule(this.chance.int(0, 3_000), actor, giveUp);
    return controller.signal;
  }

  /** Begins the life of a process, which begins another when it dies. */
  start(name: string): void {
    const { chance, plan } = this;
    const skewMs = chance.int(-plan.skewMs, plan.skewMs);
    const actor: Actor = { name, skewMs, alive: true };
    this.#processes.set(actor, undefined);
    this.scheduler.schedule(0, actor, () => {
      live(this, actor).catch((error: unknown) => this.fail(error));
    });
  }

  /** The living. */
  actors(): Actor[] {
    return [...this.#processes.keys()].filter(({ alive }) => alive);
  }

  /** Those whose wallet is open. */
  living(): [Actor, WalletProcess][] {
    const all = [...this.#processes];
    return all.flatMap(([actor, process]) => (actor.alive && process ? [[actor, process]] : []));
  }

  opened(actor: Actor, process: WalletProcess): void {
    this.#processes.set(actor, process);
  }

  restart(): void {
    for (const actor of this.actors()) this.kill(actor);
  }

  kill(actor: Actor): void {
    this.history.note(actor, "dies");
    actor.alive = false;
    this.disk.release(actor);
    const after = this.chance.int(100, 15_000);
    this.scheduler.schedule(after, undefined, () => this.start(actor.name));
  }

  /** A check inside a process's own call: what it throws is the run's failure and not the process's. */
  #watch(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.fail(error);
    }
  }
}
