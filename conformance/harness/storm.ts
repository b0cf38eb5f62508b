/**
 * Payments under a random schedule of faults, the same for the same seed, and then a quiet time in which every payment must come to an
 * end: paid and delivered, or neither.
 */
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import type { Context } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { prepare } from "../pay/stage.ts";
import type { Exchange } from "../wire/exchange.ts";
import { randomFrom } from "../random.ts";
import {
  alters,
  delayed,
  type Fault,
  LOST_ANSWERS,
  LOUD_LOSSES,
  OUTAGES,
  ROUGH,
  says,
} from "./faults.ts";

const QUICK: readonly Fault[] = [
  OUTAGES.reset,
  OUTAGES.unavailable,
  OUTAGES.garbage,
  OUTAGES.nothing,
  OUTAGES.missing,
];
const refusal = (name: string) =>
  says(name, {
    success: false,
    errorReason: "invalid_transaction_state",
    transaction: "",
    network: "eip155:84532",
  });
const pending = (name: string) =>
  alters(name, { success: false, errorReason: "settlement_pending" });

/** What each call to settle meets, one after the other; behind the last the facilitator is honest. */
const SETTLING: readonly (readonly Fault[])[] = [
  ...[...QUICK, ...LOUD_LOSSES, ROUGH.twice, ROUGH.slow, refusal("settle-false")].map((each) => [
    each,
  ]),
  [pending("pending-then-success")],
  Array.from({ length: 8 }, () => pending("pending-forever")),
  [LOST_ANSWERS.dropped, refusal("flip-to-false-on-retry")],
];

export interface StormOptions {
  /** It ends with the number of payments, or with the time. */
  readonly payments?: number;
  readonly ms?: number;
  /** Payments in flight together. */
  readonly width: number;
  readonly seed: string;
}

export interface StormEnd {
  readonly payments: number;
  readonly paid: number;
  readonly works: number | undefined;
  readonly problems: readonly string[];
}

type Sailing = Awaited<ReturnType<typeof sail>>;

export async function weather(context: Context, options: StormOptions): Promise<StormEnd> {
  const { payments = Infinity, ms = Infinity, width, seed } = options;
  const random = randomFrom(`storm ${seed}`);
  const until = performance.now() + ms;
  const all: Sailing[] = [];
  while (all.length < payments && performance.now() < until) {
    const wave = Array.from({ length: Math.min(width, payments - all.length) }, () => random);
    all.push(...(await Promise.all(wave.map((each) => sail(context, each)))));
  }
  for (const { prepared } of all) prepared.relent();
  const problems: string[] = [];
  let paid = 0;
  for (const [at, ship] of all.entries()) {
    const last = await harbour(ship);
    const isPaid = await ship.prepared.isPaid();
    if (isPaid) paid += 1;
    const status = last.answer?.status ?? last.failure;
    const told = `payment ${at + 1} (${ship.schedule})`;
    if (isPaid && !isGrant(last)) problems.push(`${told} was taken, and ends with ${status}`);
    if (!isPaid && isGrant(last)) problems.push(`${told} was granted, and never paid`);
    if (!last.answer || last.answer.status >= 500) problems.push(`${told} has no end: ${status}`);
  }
  const [first] = all;
  const works = first?.prepared.works();
  if ((works ?? 0) > all.length)
    problems.push(`the work was done ${works} times for ${all.length} payments`);
  return { payments: all.length, paid, works, problems: [...new Set(problems)] };
}

/** One payment, with what the seed has for it; every choice is drawn before anything is awaited, so that the order is the seed's. */
function sail(context: Context, random: (limit: number) => number) {
  const pick = <T>(list: readonly T[]) => list[random(list.length)];
  const verify = random(4) === 0 ? pick(QUICK) : undefined;
  const settle = random(2) === 0 ? pick(SETTLING) : undefined;
  const late = random(3) === 0 ? delayed(random(120)) : undefined;
  const hangUp = random(6) === 0;
  const copied = random(5) === 0;
  const schedule = [verify?.name, settle?.at(-1)?.name, hangUp && "hang-up", copied && "sent twice"]
    .filter((name) => typeof name === "string")
    .join(", ");
  return (async () => {
    const prepared = await prepare(context, {
      verify: [verify, late].filter((each) => each !== undefined),
      settle: [...(settle ?? [])],
    });
    const sent = [prepared.again({ hangUp })];
    if (copied) sent.push(prepared.again());
    const exchanges = await Promise.all(sent);
    return {
      prepared,
      exchange: exchanges.find(isGrant) ?? exchanges[0],
      schedule: schedule || "calm",
    };
  })();
}

/** Sends the payment again until it is answered for good. */
async function harbour({ prepared, exchange }: Sailing): Promise<Exchange> {
  let last: Exchange | undefined = exchange;
  for (let turn = 0; turn < 6; turn++) {
    const status = last?.answer?.status ?? 599;
    if (last && status < 500 && ![202, 409, 425, 429].includes(status)) {
      // What was refused while links were broken may be refused for good.
      if (isGrant(last) || turn > 0) return last;
    }
    if (turn > 0) await setTimeout(300 * turn);
    last = await prepared.again();
  }
  return last ?? (await prepared.again());
}
