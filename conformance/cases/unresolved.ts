/**
 * Groups H to J: the settlement's answer did not arrive, or says "pending". Whoever answers "failed" has the buyer sign again and pay
 * twice; whoever answers "sold" may give the goods away. The same payment must end paid and delivered, or neither.
 */
import { setTimeout } from "node:timers/promises";
import { broken, type Case, holds, noted, type Outcome } from "../case.ts";
import { coreV2Flows, paymentIdentifier, policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { alters, delayed, LOST_ANSWERS, LOUD_LOSSES, says } from "../harness/faults.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { readReceipt } from "../pay/sale.ts";
import { perform, prepare, stageOf } from "../pay/stage.ts";
import { show } from "../read/json.ts";
import type { Exchange } from "../wire/exchange.ts";
import {
  endOf,
  judgeResolutions,
  judgeStage,
  unsettled,
  type Resolution,
  resolve,
  saysWhen,
} from "./judge-stage.ts";
import { ALL, X402, X402_V2 } from "./judge.ts";

const common = { ring: 3, profiles: X402, level: "policy", severity: "critical" } as const;
const twice =
  "A buyer whose payment was taken is told that it failed, signs again, and pays twice.";
const TRANSACTION = `0x${"5e".repeat(32)}`;

interface Waiting {
  readonly prepared: Awaited<ReturnType<typeof prepare>>;
  readonly sent: Promise<Exchange>;
}

const pending = ({ profile, payer }: Context) =>
  says("pending", {
    success: false,
    errorReason: "settlement_pending",
    transaction: TRANSACTION,
    network: profile === "x402-v1" ? "base-sepolia" : "eip155:84532",
    payer: payer.account.address,
  });

export const UNRESOLVED_CASES: readonly Case[] = [
  {
    ...common,
    id: "SETL-11",
    title: "A settlement that is pending is passed on with its transaction",
    level: "must",
    severity: "medium",
    profiles: X402_V2,
    payments: 1,
    basis: coreV2Flows.says(
      "5.3.2 and 9 (later revision)",
      "settlement_pending is not an end: its answer has a transaction and a network, by which the buyer can look",
    ),
    gains: "The buyer cannot see that its money is on the way, and signs again.",
    mend: "Pass the facilitator's answer on in PAYMENT-RESPONSE also where success is false.",
    async run(context) {
      const done = await perform(context, { settle: pending(context) });
      done.relent();
      if (done.count("settle") === 0) return unsettled(done.exchange);
      const { answer } = done.exchange;
      const receipt = answer && readReceipt(answer, context);
      const problems: string[] = [];
      if (isGrant(done.exchange) && done.exchange.answer?.status !== 202)
        problems.push(`it was granted with ${endOf(done.exchange)}`);
      if (!receipt) problems.push("there is no PAYMENT-RESPONSE that can be read");
      else {
        if (receipt["transaction"] !== TRANSACTION)
          problems.push(`its transaction is ${show(receipt["transaction"])}`);
        if (typeof receipt["network"] !== "string" || receipt["network"] === "")
          problems.push("it names no network");
      }
      return judgeStage(problems, `${endOf(done.exchange)}, with transaction and network.`);
    },
  },
  {
    ...common,
    id: "SETL-12",
    title: "While a settlement is pending the same payment is waited for, and ends in the goods",
    profiles: ALL,
    payments: 1,
    basis: policy(
      "x402 discusses it (#3437, open): while it is unresolved a receiver does not challenge again, and the same payment is presented again. A 402 is taken here too, with a warning, where the same payment then buys.",
    ),
    gains: twice,
    mend: "Answer 503 (or 202) with Retry-After while it is pending; settle the same payment again when it comes again.",
    async run(context) {
      // The money is on its way, and arrives.
      const settle = alters("pending-then-success", {
        success: false,
        errorReason: "settlement_pending",
      });
      const done = await perform(context, { settle });
      if (done.count("settle") === 0) return unsettled(done.exchange);
      const resolution = await resolve(done);
      const { status } = done.exchange.answer ?? {};
      const notes = [...resolution.notes];
      if (status !== 402 && !isGrant(done.exchange) && !saysWhen(done.exchange))
        notes.push(`the ${status} has no Retry-After`);
      const works = done.works() ?? 0;
      if (works > 1) notes.push(`the work was done ${works} times`);
      return judgeResolutions({ pending: { ...resolution, notes } });
    },
  },
  {
    ...common,
    id: "WORK-07",
    title: "A settlement whose answer was lost is not reported as failed",
    profiles: ALL,
    payments: LOUD_LOSSES.length + 1,
    basis: policy(
      "The money moved before the connection broke: the seller does not know, and must say so, and find out.",
    ),
    gains: twice,
    mend: "On a lost answer say 503 with Retry-After; ask settle again with the same payment, which is idempotent, or look at authorizationState.",
    beginsIn: 2,
    async begin(context) {
      await stageOf(context);
      const prepared = await prepare(context, { settle: [LOST_ANSWERS.silence] });
      const waiting: Waiting = { prepared, sent: prepared.send() };
      void waiting.sent.catch(() => undefined);
      context.memo.set(memoOf(context), waiting);
      const { harness } = prepared.stage;
      const { nonce } = prepared.payment.fields;
      // Its work is done before other cases count theirs.
      await Promise.race([
        harness.timeline.until(
          ({ what, nonce: of }) => what === "settle" && of === nonce.toLowerCase(),
          { from: 0, ms: 8000 },
        ),
        waiting.sent,
      ]);
    },
    async run(context) {
      await stageOf(context);
      const all: [string, Waiting][] = [];
      for (const fault of LOUD_LOSSES) {
        const prepared = await prepare(context, { settle: [fault] });
        all.push([fault.name, { prepared, sent: prepared.send() }]);
      }
      const begun = context.memo.get(memoOf(context)) as Waiting | undefined;
      if (begun) all.push([LOST_ANSWERS.silence.name, begun]);
      const resolutions = await Promise.all(
        all.map(async ([name, { prepared, sent }]): Promise<[string, Resolution]> => {
          const done = prepared.with(await sent);
          if (done.count("settle") > 0) return [name, await resolve(done)];
          const told = `${endOf(done.exchange)}, not settled`;
          return [name, { problems: [], notes: [], told }];
        }),
      );
      return judgeResolutions(Object.fromEntries(resolutions));
    },
  },
  {
    ...common,
    id: "IDEM-05",
    title: "A copy that comes while the first is under way waits, or is told to come again",
    level: "should",
    severity: "medium",
    payments: 1,
    basis: paymentIdentifier(
      "Recovering a Lost Response",
      "If the original request is still being processed, do not process the resend. Return the original's response once it is available, or an error the client can retry.",
    ),
    gains: "An impatient client is told that its payment failed, while it is being settled.",
    mend: "Hold a lock for each (asset, from, nonce): wait for the first, or answer 409 or 503 with Retry-After.",
    async run(context) {
      const prepared = await prepare(context, { settle: [delayed(400)] });
      const { timeline } = prepared.stage.harness;
      const from = timeline.happenings.length;
      const first = prepared.send();
      const isSettling = await timeline.until(({ what }) => what === "settle", { from, ms: 5000 });
      if (!isSettling) return unsettled(await first);
      const second = await prepared.again();
      const done = prepared.with(await first);
      return judgeCopy(done.exchange, second, done.works());
    },
  },
  {
    ...common,
    id: "WORK-11",
    title: "A buyer who hangs up during the work is not charged, or gets it on coming back",
    profiles: ALL,
    payments: 1,
    basis: policy(
      "Connections break. What was paid for is kept for whoever sends the same payment again.",
    ),
    gains: "Buyers on bad networks pay for nothing.",
    mend: "Store the answer with the settlement; or stop before settle when the request is closed.",
    async run(context) {
      const { harness } = await stageOf(context);
      const from = harness.timeline.happenings.length;
      const done = await perform(context, { work: { afterMs: 300 }, send: { hangUp: true } });
      await harness.timeline.until(({ what }) => what === "settle", { from, ms: 1500 });
      // It ends with the first before the second comes.
      await setTimeout(150);
      const again = await done.again();
      const paid = await done.isPaid();
      const problems: string[] = [];
      if (paid && !isGrant(again)) problems.push(`paid, and then answered with ${endOf(again)}`);
      if (!paid && isGrant(again)) problems.push("it was granted, and never paid");
      return judgeStage(problems, `Then ${endOf(again)}, ${paid ? "paid" : "not paid"}.`);
    },
  },
];

const memoOf = ({ profile }: Context) => `WORK-07 ${profile}`;

function judgeCopy(first: Exchange, second: Exchange, works: number | undefined): Outcome {
  const told = `${endOf(first)} and ${endOf(second)}`;
  if ((works ?? 1) > 1) return broken(`The work was done ${works} times (${told}).`);
  // A first that gave up waiting tells its buyer to come again, and the copy has done that.
  if (isGrant(second) && !isGrant(first)) return holds(told);
  if (isGrant(second)) {
    return second.answer?.body === first.answer?.body
      ? holds(`The same answer twice (${told}).`)
      : broken(`Two different deliveries (${told}).`);
  }
  if (second.answer && [202, 409, 425, 429, 503].includes(second.answer.status))
    return saysWhen(second) ? holds(told) : noted(`${told}, without Retry-After.`);
  return broken(`The copy was answered with ${endOf(second)} while the first was under way.`);
}
