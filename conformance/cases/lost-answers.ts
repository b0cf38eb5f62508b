/** Group H: buyers whose answer was lost, and requests that cannot be delivered. */
import { setTimeout } from "node:timers/promises";
import { broken, type Case, holds, noted, type Outcome, skipped } from "../case.ts";
import { httpV2, policy } from "../basis.ts";
import type { AskOptions, Context } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { isUsed, moneyOf } from "../pay/sale.ts";
import { MPP, X402 } from "./judge.ts";

const common = { ring: 2, payments: 1, level: "policy", severity: "critical" } as const;

export const LOST_ANSWER_CASES: readonly Case[] = [
  {
    ...common,
    id: "IDEM-08",
    title: "A buyer who lost the answer gets it for the same payment",
    profiles: [...X402, ...MPP],
    basis: policy(
      "A connection that breaks after the settlement is no reason to keep both the money and the goods.",
    ),
    gains: "The buyer has paid and has nothing; a client that signs again is charged twice.",
    mend: "Store the answer with the settlement, and give it to whoever sends the same bytes again.",
    run: (context) => comesBack(context, { hangUp: true }),
  },
  {
    ...common,
    id: "IDEM-10",
    title: "A buyer whose connection broke within the answer gets it again",
    level: "advice",
    severity: "high",
    profiles: [...X402, ...MPP],
    basis: policy("The server believes the answer delivered; the buyer has its first bytes."),
    gains: "The buyer has paid and has nothing; a client that signs again is charged twice.",
    mend: "Store the answer with the settlement, and give it to whoever sends the same bytes again.",
    run: (context) => comesBack(context, { cut: true }),
  },
  {
    ...common,
    id: "HTTP-02",
    title: "A paid HEAD is not charged",
    severity: "high",
    profiles: X402,
    basis: httpV2.says(
      "Method Selection (a later revision, whose merge we have not seen)",
      "HEAD has no content, so nothing can be delivered for a payment: it is not settled",
    ),
    gains:
      "Link checkers and careless clients pay for an answer without a body, and ask for their money back.",
    mend: "Answer HEAD with 402 or 405, before the payment is looked at.",
    async run(context) {
      if (context.target.method !== "GET")
        return skipped(`The endpoint is ${context.target.method}.`);
      const money = moneyOf(context);
      const { header, fields } = await makePayment(context, await askPrice(context));
      const { answer, failure } = await context.ask(
        { method: "HEAD", headers: [header] },
        { alone: true },
      );
      const used = await isUsed(money, fields.from, fields.nonce);
      return used
        ? broken(`HEAD was answered with ${answer?.status ?? failure}, and the money was taken.`)
        : holds(`${answer?.status ?? failure}, nothing taken.`);
    },
  },
];

/** Pays, loses the answer, and sends the same payment again. */
async function comesBack(context: Context, loss: AskOptions): Promise<Outcome> {
  const money = moneyOf(context);
  const { header, fields } = await makePayment(context, await askPrice(context));
  await context.ask({ headers: [header] }, { ...loss, alone: true });
  const settled = await waitUntilUsed(() => isUsed(money, fields.from, fields.nonce));
  const again = await context.ask({ headers: [header] }, { alone: true, deadlineMs: 60_000 });
  const status = again.answer?.status ?? again.failure;
  if (isGrant(again)) {
    const paid = await isUsed(money, fields.from, fields.nonce);
    return paid ? holds(`${status}, settled once.`) : broken(`${status}, and never settled.`);
  }
  const taken = settled || (await isUsed(money, fields.from, fields.nonce));
  return taken
    ? broken(`The money was taken, and the same payment is answered with ${status}.`)
    : noted(`Nothing was taken, and the same payment is answered with ${status}.`);
}

/** Looks for the settlement for two seconds, which is what a local chain needs many times over. */
async function waitUntilUsed(used: () => Promise<boolean>): Promise<boolean> {
  for (let turn = 0; turn < 20; turn++) {
    if (await used()) return true;
    await setTimeout(100);
  }
  return false;
}
