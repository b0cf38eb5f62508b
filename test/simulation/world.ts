/** Everything one run happens in: the plan of its seed, the doubles, the processes that live and die, and what watches them. */
import type { SignIntent } from "../../middleware/index.ts";
import type { TraceEvent } from "../../protocol/index.ts";
import { BookCheck } from "./book-check.ts";
import type { BookFile } from "./book-file.ts";
import { Callers } from "./callers.ts";
import { Chance } from "./chance.ts";
import { ChainDouble } from "./chain-double.ts";
import { Disk } from "./disk.ts";
import { History } from "./history.ts";
import { live } from "./life.ts";
import type { Answer, Message } from "./messages.ts";
import { type Mutant } from "./mutant.ts";
import { checkTrace } from "./outcomes.ts";
import { makePlan, type Plan } from "./plan.ts";
import { type Actor, Scheduler } from "./scheduler.ts";
import { ShopDouble } from "./shop-double.ts";
import type { WalletProcess } from "./wallet-process.ts";
import { Watch } from "./watch.ts";

export interface Faults {
  drop: number;
  duplicate: number;
  slow: number;
  rpc: number;
  signer: number;
  disk: number;
}

export class World {
  readonly chance: Chance;
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly file: BookFile;
  readonly disk: Disk;
  readonly mutant: Mutant;
  readonly history: History;
  readonly watch: Watch;
  readonly chain: ChainDouble;
  readonly book: BookCheck;
  readonly shop: ShopDouble;
  readonly faults: Faults;
  readonly callers: Callers;
  /** Whether people still ask and things still break. */
  faulty = true;
  failure: unknown;
  readonly #processes = new Map<Actor, WalletProcess | undefined>();

  constructor(seed: number, file: BookFile, mutant: Mutant) {
    const chance = new Chance(seed);
    const plan = makePlan(chance);
    const scheduler = new Scheduler(plan.startMs);
    const history = new History(scheduler);
    file.begin();
    const watch = new Watch({ file, plan, history, scheduler });
    const { blockMs, finality, rates } = plan;
    const chain = new ChainDouble({ scheduler, chance, blockMs, finality, watcher: watch });
    chain.reorgRate = rates.reorg;
    const note = (what: string) => history.note("shop", what);
    this.shop = new ShopDouble({ scheduler, chance, chain, plan, note });
    this.book = new BookCheck({ file, plan, chain, watch });
    this.chance = chance;
    this.plan = plan;
    this.scheduler = scheduler;
    this.history = history;
    this.file = file;
    this.mutant = mutant;
    this.watch = watch;
    this.chain = chain;
    const { drop, duplicate, slow, rpc, signer, disk } = rates;
    this.faults = { drop, duplicate, slow, rpc, signer, disk };
    const tellsEarly = mutant.diskTellsEarly ?? false;
    const { faults } = this;
    this.disk = new Disk({ scheduler, chance, file, faults, ms: plan.diskMs, tellsEarly });
    this.callers = new Callers(this);
  }

  readonly serve = (message: Message, reply: (answer: Answer) => void): void =>
    this.shop.serve(message, reply);

  readonly onLeave = (actor: Actor, message: Message): void =>
    this.#watch(() => this.watch.onLeave(actor, message));

  get signedFor(): ReadonlyMap<string, SignIntent> {
    return this.watch.signed;
  }

  readonly onSigned = (actor: Actor, intent: SignIntent): void =>
    this.#watch(() => this.watch.onSigned(actor, intent));

  readonly onTrace = (event: TraceEvent): void => this.#watch(() => checkTrace(this, event));

  /** The first failure is the run's. */
  fail(error: unknown): void {
    this.failure ??= error;
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
