/** The commands that are given to the ledger and to its model: each works out what the model answers and holds the ledger to it. */
import * as fc from "fast-check";
import { expect } from "vitest";
import { PurserError } from "../../protocol/index.ts";
import type { Ledger } from "../../store/index.ts";
import {
  CAP,
  type Model,
  monthOf,
  type Real,
  STALE_MS,
  type Step,
  STEPS,
  used,
} from "./ledger-model.ts";
import { PAYMENT, reservation, scope, TX } from "./ledger-world.ts";

const HOUR_MS = 3_600_000;

/** What a command came to: the state that it led to, or the code of its refusal. */
async function answerOf(command: Promise<{ state: string }>): Promise<string> {
  try {
    return (await command).state;
  } catch (error) {
    if (error instanceof PurserError) return error.code;
    throw error;
  }
}

/** What the ledger calls a state of the model. */
const nameOf = (state: string) => (state === "marked" ? "sent" : state);

class Reserve implements fc.AsyncCommand<Model, Real> {
  readonly purchase: string;
  readonly amount: bigint;
  readonly sent: boolean;

  constructor(purchase: string, amount: bigint, sent: boolean) {
    this.purchase = purchase;
    this.amount = amount;
    this.sent = sent;
  }

  check = () => true;
  toString = () => `reserve(${this.purchase}, ${this.amount}${this.sent ? ", sent" : ""})`;

  async run(model: Model, { ledger, clock }: Real): Promise<void> {
    const { purchase, amount, sent } = this;
    const expected = this.#expect(model, Math.max(clock, model.booked));
    const fields = reservation({ purchase, amount, sent, scopes: [scope("provider:p/c", CAP)] });
    expect(await answerOf(ledger.reserve(fields).then(({ entry }) => entry))).toBe(expected);
  }

  #expect(model: Model, at: number): string {
    const entry = model.entries.get(this.purchase);
    const { amount } = this;
    const isYoung = entry !== undefined && at - entry.changedAt < STALE_MS;
    if (entry && !["signing", "released"].includes(entry.state)) {
      if (entry.amount !== amount) return "PURCHASE_CONFLICT";
      return entry.state === "marked" && isYoung ? "PURCHASE_IN_PROGRESS" : nameOf(entry.state);
    }
    if (entry?.state === "signing" && isYoung) return "PURCHASE_IN_PROGRESS";
    // One that nobody carried on makes room, if there is room in the end.
    if (used(model, monthOf(at), new Set(entry && [entry])) + amount > CAP) return "CAP_EXCEEDED";
    model.booked = at;
    const state = this.sent ? "marked" : "signing";
    model.entries.set(this.purchase, { state, amount, month: monthOf(at), changedAt: at });
    return nameOf(state);
  }
}

class Move implements fc.AsyncCommand<Model, Real> {
  readonly purchase: string;
  readonly step: Step;

  constructor(purchase: string, step: Step) {
    this.purchase = purchase;
    this.step = step;
  }

  check({ entries }: Model): boolean {
    const state = entries.get(this.purchase)?.state;
    // What is released may have bytes, or none.
    return state !== undefined && (this.step !== "kept" || state !== "released");
  }
  toString = () => `${this.step}(${this.purchase})`;

  async run(model: Model, { ledger, clock }: Real): Promise<void> {
    const entry = model.entries.get(this.purchase)!;
    const next = STEPS[entry.state]?.[this.step];
    const found = await ledger.find(this.purchase);
    const answer = await answerOf(this.#move(ledger, found!.nonce));
    expect(answer).toBe(next === undefined ? "LEDGER_TRANSITION" : nameOf(next));
    if (next === undefined || next === entry.state) return;
    if (this.step === "kept") {
      entry.state = next;
      return;
    }
    model.booked = Math.max(clock, model.booked);
    Object.assign(entry, { state: next, changedAt: model.booked });
  }

  #move(ledger: Ledger, nonce: `0x${string}`) {
    if (this.step === "sent") return ledger.markSent(nonce, PAYMENT);
    if (this.step === "kept") return ledger.keepPayment(nonce, PAYMENT);
    if (this.step === "withdrawn") return ledger.withdraw(nonce);
    if (this.step === "unknown") return ledger.markUnknown(nonce);
    if (this.step === "claimed") return ledger.markClaimed(nonce, TX);
    if (this.step === "settled") return ledger.markSettled(nonce, TX);
    return ledger.release(nonce, this.step);
  }
}

class SetClock implements fc.AsyncCommand<Model, Real> {
  readonly hours: number;

  constructor(hours: number) {
    this.hours = hours;
  }

  check = () => true;
  toString = () => `clock by ${this.hours} h`;

  async run(model: Model, real: Real): Promise<void> {
    real.clock += this.hours * HOUR_MS;
    const { settled, reserved } = await real.ledger.spent(scope("provider:p/c", CAP));
    expect(settled + reserved).toBe(used(model, monthOf(Math.max(real.clock, model.booked))));
  }
}

const purchase = fc.integer({ min: 0, max: 4 }).map((n) => `pur_${n}`);
/** Sixty at most. */
export const commands = fc.commands(
  [
    fc
      .tuple(purchase, fc.constantFrom(10n, 30n, 60n), fc.boolean())
      .map((args) => new Reserve(...args)),
    fc
      .tuple(
        purchase,
        fc.constantFrom<Step>(
          "sent",
          "sent",
          "kept",
          "withdrawn",
          "unknown",
          "claimed",
          "settled",
          "NEVER_SENT",
          "EXPIRED",
          "CANCELLED",
        ),
      )
      .map((args) => new Move(...args)),
    fc.constantFrom(0, 0.001, 0.01, 1, -1, 300, -300, 800).map((hours) => new SetClock(hours)),
  ],
  { maxCommands: 60 },
);
