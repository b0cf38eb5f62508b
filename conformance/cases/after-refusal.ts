/** What a refusal leaves behind: the state, the price, and the payment itself. */
import { broken, type Case, holds, noted, unclear } from "../case.ts";
import { mppCore, policy } from "../basis.ts";
import { readChallenge } from "../read/challenge.ts";
import { answerOf, type Context } from "../context.ts";
import { askPrice, makePayment } from "../pay/payment.ts";

import { sendUnsigned } from "../pay/unsigned.ts";

const ALL = ["x402-v2", "x402-v1", "mpp"] as const;

/** What a good payment is answered with, whether it is taken or not. */
async function paidAnswer(context: Context) {
  const offer = await askPrice(context);
  const payment = await makePayment(context, offer);
  const options = { alone: true, deadlineMs: 60_000 };
  const answer = answerOf(await context.ask({ headers: [payment.header] }, options));
  return { payment, answer, offer };
}

export const AFTERMATH_CASES: readonly Case[] = [
  {
    id: "ERR-05",
    title: "A refused buyer is told the price again",
    level: "advice",
    severity: "low",
    ring: 1,
    profiles: ALL,
    basis: policy("With a fresh challenge a client recovers by itself; MPP says MUST."),
    gains:
      "The buyer has to start again, or gives up: a sale that a fresh challenge would have saved.",
    mend: "Build every 402 in one place, challenge and headers too; give the reason in its error field.",
    async run(context) {
      const { answer } = await sendUnsigned(context);
      if (answer.status !== 402) return noted(`The refusal is a ${answer.status}.`);
      return readChallenge(answer, context.profile).challenge
        ? holds("With a challenge.")
        : broken("The 402 holds no challenge.");
    },
  },
  {
    id: "ERR-06",
    title: "After refusals the endpoint asks as before",
    level: "policy",
    severity: "high",
    ring: 1,
    profiles: ALL,
    basis: policy("A refused payment must leave nothing behind."),
    gains: "One bad payment opens, closes or reprices the endpoint for everybody.",
    mend: "Change nothing (no flag, no price, no session) before the payment is verified; answer each request from its own payment alone.",
    async run(context) {
      const { answer, offer } = await sendUnsigned(context);
      if (answer.status >= 200 && answer.status < 300)
        return unclear("The payment was granted (SIG-01).");
      const after = await context.ask();
      if (after.answer?.status !== 402)
        return broken(
          `Then an unpaid request was answered with ${after.answer?.status ?? after.failure}.`,
        );
      const again = readChallenge(after.answer, context.profile).challenge?.offers[0];
      return again?.payTo === offer.payTo
        ? holds("The same 402.")
        : broken("Then it named another recipient.");
    },
  },
  {
    id: "PRICE-04",
    title: "A failed payment does not raise the price",
    level: "policy",
    severity: "high",
    ring: 1,
    profiles: ALL,
    basis: policy("A buyer who retries must not be charged for having failed."),
    gains: "A server that fails on purpose climbs to the buyer's cap.",
    mend: "Quote from the request alone: no count of failures, and nothing that is kept of the payer, goes into the price.",
    async run(context) {
      const { offer } = await sendUnsigned(context);
      const after = await askPrice(context);
      return after.price > offer.price
        ? broken(`${offer.price} before, ${after.price} after.`)
        : holds(`${after.price}.`);
    },
  },
  {
    id: "LEAK-03",
    title: "A payment is never sent back",
    level: "policy",
    severity: "high",
    ring: 1,
    profiles: ALL,
    basis: mppCore(
      "Credential Handling",
      "Servers and intermediaries MUST NOT log Payment credentials or include them in error messages, debugging output, or analytics.",
    ),
    gains:
      "A payment is a bearer capability: an echo puts it into logs, caches and error trackers, from where it can be used.",
    mend: "Never put the header's value into an error, a redirect or a page.",
    cwe: 532,
    payments: 1,
    async run(context) {
      const answers = [await sendUnsigned(context)];
      if (context.payer.money) {
        const { payment, answer, offer } = await paidAnswer(context);
        answers.push({ answer, header: payment.header[1], offer });
      }
      for (const { answer, header } of answers) {
        const secret = header.replace(/^Payment /, "");
        const all = `${answer.headers.map(([, value]) => value).join("\n")}\n${answer.body}`;
        if (all.includes(secret)) return broken(`The ${answer.status} repeats the payment header.`);
      }
      return holds(`Not repeated in ${answers.map(({ answer }) => answer.status).join(" and ")}.`);
    },
  },
];
