/**
 * A payment of ring 3: honest, or changed, with a script for what its facilitator and the work behind the endpoint do, and what each of
 * them then saw of it.
 */
import { setTimeout } from "node:timers/promises";
import { Unassessable, unseen } from "../case.ts";
import { answerOf, type Context } from "../context.ts";
import type { Laid } from "../harness/facilitator-link.ts";
import type { Harness } from "../harness/harness.ts";
import type { Happening } from "../harness/timeline.ts";
import type { WorkScript } from "../harness/witness.ts";
import type { Exchange } from "../wire/exchange.ts";
import type { SendOptions } from "../wire/wire-client.ts";
import { askPrice, makePayment, type Payment, type PaymentChange } from "./payment.ts";
import { isGrant } from "./judge-refusal.ts";
import { isUsed, moneyOf } from "./sale.ts";

export interface Stage {
  readonly harness: Harness;
  /** Whether the endpoint's work calls the witness. */
  readonly witnessed: boolean;
  /** Whether it asks before the work, and not only settles. */
  readonly verifies: boolean;
  /** What an honest sale did, in order. */
  readonly honest: readonly Happening[];
}

/** The tester's own servers, once it is certain that the endpoint uses them; ends the case where it does not. */
export async function stageOf(context: Context): Promise<Stage> {
  const { harness, memo, profile } = context;
  if (!harness) throw new Unassessable(unseen("There is no harness."));
  const key = `stage ${profile}`;
  const known = memo.get(key) as Stage | undefined;
  if (known) return known;
  const from = harness.timeline.happenings.length;
  const payment = await sell(context);
  const nonce = payment.fields.nonce.toLowerCase();
  // Who settles behind the answer is judged for that (WORK-02), and not taken for somebody with another facilitator.
  const isSettle = (each: Happening) => each.what === "settle" && each.nonce === nonce;
  await harness.timeline.until(isSettle, { from, ms: 2000 });
  const honest = ownOf(harness, nonce, from);
  if (!honest.some(({ what }) => what === "settle")) {
    throw new Unassessable(
      unseen(`An honest sale did not come to the tester's facilitator, ${harness.link.url}.`),
    );
  }
  const has = (wanted: Happening["what"]) => honest.some(({ what }) => what === wanted);
  const stage = { harness, honest, witnessed: has("work"), verifies: has("verify") };
  memo.set(key, stage);
  return stage;
}

/** Answers that say "not known yet": the same payment may be sent again. */
export const LATER: ReadonlySet<number> = new Set([202, 409, 425, 429, 500, 502, 503, 504]);

/** An honest sale, also of a server that is not warm yet and asks for the same payment again. */
export async function sell(context: Context): Promise<Payment> {
  moneyOf(context);
  const payment = await makePayment(context, await askPrice(context));
  const headers = [payment.header];
  for (let turn = 0; ; turn++) {
    const exchange = await context.ask({ headers }, { alone: true, deadlineMs: 60_000 });
    if (isGrant(exchange)) return payment;
    const { status, body } = answerOf(exchange);
    if (!LATER.has(status) || turn === 4) {
      throw new Unassessable(
        unseen(
          `An honest payment was answered with ${status} (${body.slice(0, 120)}): does the server use the tester's facilitator and chain?`,
        ),
      );
    }
    await setTimeout(500 * (turn + 1));
  }
}

export interface Script extends Laid {
  readonly work?: WorkScript;
  readonly change?: PaymentChange;
  readonly send?: SendOptions;
}

export interface Performance {
  readonly payment: Payment;
  readonly exchange: Exchange;
  /** What has happened since, to this payment and to the work. */
  readonly happened: () => readonly Happening[];
  readonly count: (what: Happening["what"]) => number;
  /** Executions of the work; undefined where nobody sees them. */
  readonly works: () => number | undefined;
  /** Whether the money has moved. */
  readonly isPaid: () => Promise<boolean>;
  /** Sends the same bytes again. */
  readonly again: (options?: SendOptions) => Promise<Exchange>;
  /** From now on its facilitator is honest. */
  readonly relent: () => void;
}

/** Sends a payment while what is behind the endpoint follows the script, for this payment alone. */
export async function perform(context: Context, script: Script = {}): Promise<Performance> {
  const prepared = await prepare(context, script);
  if (script.work) prepared.stage.harness.witness.next(script.work);
  try {
    return prepared.with(await prepared.send());
  } finally {
    prepared.stage.harness.witness.forget();
  }
}

/** The same of a payment that is taken; ends the case where it is not, for then nothing is seen of how it is sold. */
export async function performSale(context: Context, script: Script = {}): Promise<Performance> {
  const done = await perform(context, script);
  if (isGrant(done.exchange)) return done;
  const { answer, failure } = done.exchange;
  const end = answer?.status ?? failure;
  throw new Unassessable(unseen(`An honest payment was answered with ${end} this time.`));
}

/** The same, not yet sent: for several at once. */
export async function prepare(context: Context, script: Script = {}) {
  const stage = await stageOf(context);
  const { harness, witnessed } = stage;
  const money = moneyOf(context);
  const { verify, settle, change, send } = script;
  const payment = await makePayment(context, await askPrice(context), change);
  const { from: payer, nonce } = payment.fields;
  harness.link.lay(nonce, { ...(verify && { verify }), ...(settle && { settle }) });
  const from = harness.timeline.happenings.length;
  const happened = () => ownOf(harness, nonce, from);
  const count = (what: Happening["what"]) => happened().filter((each) => each.what === what).length;
  const again = (options: SendOptions = {}) =>
    context.ask(
      { headers: [payment.header] },
      { alone: true, deadlineMs: harness.patienceMs, ...options },
    );
  const performance = {
    payment,
    happened,
    count,
    works: () => (witnessed ? count("work") : undefined),
    isPaid: () => isUsed(money, payer, nonce),
    again,
    relent: () => harness.link.clear(nonce),
  };
  return {
    ...performance,
    stage,
    send: () => again(send),
    with: (exchange: Exchange): Performance => ({ ...performance, exchange }),
  };
}

/** Of this payment, and the work, which bears no name. */
function ownOf({ timeline }: Harness, nonce: string, from: number): Happening[] {
  const wanted = nonce.toLowerCase();
  return timeline.happenings
    .slice(from)
    .filter((each) => each.nonce === undefined || each.nonce === wanted);
}

/** Whether anything in the answer came out of the work. */
export function leaks(
  { answer }: Exchange,
  happened: readonly Happening[],
  marker: string | undefined,
): boolean {
  const text = JSON.stringify([answer?.headers, answer?.body]);
  const made = happened.flatMap((each) => each.marker ?? []);
  return [...made, ...(marker === undefined ? [] : [marker])].some((one) => text.includes(one));
}

/** `upfront` where the offer says that it settles before the work. */
export function flowOf({ offer }: Payment): string {
  const extra = offer.raw["extra"] as { paymentFlow?: unknown } | undefined;
  return typeof extra?.paymentFlow === "string" ? extra.paymentFlow : "authorization";
}
