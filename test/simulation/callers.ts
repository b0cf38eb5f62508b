/** The people who ask a process for things: what they are told is held against what happened, and some of them give up waiting. */
import type { PayOutcome } from "../../middleware/index.ts";
import { checkAbort, checkOutcome } from "./outcomes.ts";
import type { ItemPlan } from "./plan.ts";
import type { Actor } from "./scheduler.ts";
import type { WalletProcess } from "./wallet-process.ts";
import type { World } from "./world.ts";

export class Callers {
  /** How many calls ended in what way. */
  readonly outcomes: Record<string, number> = {};
  readonly #world: World;
  #calls = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Asks for an item; undefined where the caller gave up. */
  async buy(process: WalletProcess, actor: Actor, item: ItemPlan): Promise<PayOutcome | undefined> {
    const call = `call-${(this.#calls += 1)}`;
    this.#world.history.note(actor, `${call} buys ${item.url} by ${item.door}`);
    const patience = this.#patience(actor);
    try {
      const outcome = await process.buy(item, call, patience);
      this.#count(actor, call, checkOutcome(this.#world, outcome, call));
      return outcome;
    } catch (error) {
      if (error !== patience?.reason) throw error;
      checkAbort(this.#world, call);
      this.#count(actor, call, "given up");
      return undefined;
    }
  }

  #count(actor: Actor, call: string, kind: string): void {
    this.#world.history.note(actor, `${call} is ${kind}`);
    this.outcomes[kind] = (this.outcomes[kind] ?? 0) + 1;
  }

  /** At any moment of a call. */
  #patience(actor: Actor): AbortSignal | undefined {
    const { faulty, chance, plan, scheduler } = this.#world;
    if (!faulty || !chance.happens(plan.rates.abort)) return undefined;
    const controller = new AbortController();
    const giveUp = () => controller.abort(new Error("given up"));
    scheduler.schedule(chance.int(0, 3_000), actor, giveUp);
    return controller.signal;
  }
}
