/**
 * The end of a run. Once all is quiet, everything is asked for once more: what was paid for is delivered, and nothing is paid for
 * twice. Then, in some runs, somebody changes the book, and from there on nothing is signed any more (I16).
 */
import type { PayOutcome } from "../../middleware/index.ts";
import { Broken } from "./history.ts";
import { expect } from "./watch.ts";
import type { World } from "./world.ts";

/** Why an honest shop's item may be refused where nothing else is wrong. */
const REFUSALS = [
  "CAP_EXCEEDED",
  "RATE_EXCEEDED",
  "PURCHASE_CONFLICT",
  "REQUEST_MISMATCH",
  // To a clock that is ahead, a short offer is over at once.
  "OFFER_EXPIRY",
];
/** For as long as a payment that a power failure took may still be good, by a clock that is behind or was ahead. */
const ATTEMPTS = 1_000;
const PAUSE_MS = 3_000;

const TAMPERINGS = {
  journal: `INSERT INTO journal (at, auth, from_state, to_state, credit, debit, amount)
    SELECT at, auth, from_state, to_state, credit, debit, amount FROM journal LIMIT 1`,
  authorization: "UPDATE auth SET amount = amount + 1",
  sum: "UPDATE scope SET settled = settled + 1, reserved = reserved + 1",
} as const;

export interface FinaleOptions {
  readonly world: World;
  /** Lets time pass until something is so; throws where it is not so in the end. */
  readonly until: (done: () => boolean) => Promise<void>;
}

/** Each item, again and again while its answer is open: with an honest shop it is delivered, if it may be bought at all. */
export async function buyEverythingAgain({ world, until }: FinaleOptions): Promise<void> {
  const { history, plan, chance, scheduler } = world;
  history.note("world", "asks for everything again");
  for (const item of plan.items) {
    const [actor, process] = chance.pick(world.living());
    let ending: string | undefined;
    const ask = async () => {
      for (let attempt = 0; attempt < ATTEMPTS && !isEnding(ending); attempt += 1) {
        if (attempt > 0) await scheduler.sleep(PAUSE_MS, actor);
        ending = endingOf(await world.callers.buy(process, actor, item));
      }
      ending ??= "unanswered";
      done = true;
    };
    let done = false;
    scheduler.schedule(0, actor, () => void ask().catch((error: unknown) => world.fail(error)));
    await until(() => done);
    expect("O3", isEnding(ending), `${item.url} is ${ending} in the end`);
  }
}

/** Such as "delivered", "unknown" or "CAP_EXCEEDED". */
function endingOf(outcome: PayOutcome | undefined): string | undefined {
  if (outcome?.kind === "refused") return outcome.error.code;
  return outcome?.kind === "delivered" && !outcome.record ? "unpaid" : outcome?.kind;
}

function isEnding(ending: string | undefined): boolean {
  return ending === "delivered" || (ending !== undefined && REFUSALS.includes(ending));
}

/** Changes the book behind its back; whoever opens it then, and whoever has it open and reads on, signs nothing. */
export async function tamper({ world, until }: FinaleOptions): Promise<void> {
  const { chance, file, history, scheduler, watch } = world;
  if (file.ask("SELECT id FROM auth").length === 0) return;
  const kind = chance.pick(["journal", "authorization", "sum"] as const);
  history.note("world", `changes the book: ${kind}`);
  world.restart();
  file.ask(TAMPERINGS[kind]);
  world.book.stop();
  const before = watch.signed.size;
  const end = scheduler.now + 20_000;
  await until(() => scheduler.now >= end);
  for (const [actor, process] of world.living()) {
    scheduler.schedule(0, actor, () => {
      const bought = world.callers.buy(process, actor, chance.pick(world.plan.items));
      bought.catch((error: unknown) => world.fail(error));
    });
  }
  await until(() => scheduler.now >= end + 20_000);
  if (watch.signed.size > before) throw new Broken("I16", "a changed book still signs");
}
