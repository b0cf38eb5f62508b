/** Group C, last part: what MPP says of a payment that does not hold, seen from behind the endpoint. */
import { type Case, skipped } from "../case.ts";
import { mppCore } from "../basis.ts";
import type { Context } from "../context.ts";
import { says } from "../harness/faults.ts";
import { perform, type Performance, stageOf } from "../pay/stage.ts";
import { readChallenge } from "../read/challenge.ts";
import { headerOf } from "../wire/exchange.ts";
import { endOf, judgeStage, soldInSpite, unsettled } from "./judge-stage.ts";
import { MPP } from "./judge.ts";

const common = { ring: 3, profiles: MPP, payments: 1, level: "must" } as const;

export const MPP_BEHIND_CASES: readonly Case[] = [
  {
    ...common,
    id: "MPP-20",
    title: "A credential that does not verify is answered with 402 and a fresh challenge, unworked",
    severity: "critical",
    basis: mppCore(
      "Receipt Status Semantics",
      "Servers MUST return 402 with a fresh challenge and appropriate problem type when payment verification fails.",
    ),
    gains: "An attacker has the work done for credentials that are worth nothing.",
    mend: "Await the verification before the handler; else answer 402 with a new challenge and verification-failed.",
    cwe: 862,
    async run(context) {
      const { verifies } = await stageOf(context);
      if (!verifies) return skipped("It does not ask its facilitator to verify.");
      const { address: payer } = context.payer.account;
      const verify = says("refuses", {
        isValid: false,
        invalidReason: "insufficient_funds",
        payer,
      });
      const done = await perform(context, { verify });
      const problems = await soldInSpite(context, done);
      if ((done.works() ?? 0) > 0) problems.push("the work was done");
      if (done.count("settle") > 0) problems.push("it was sent to be settled");
      problems.push(...notFresh(context, done));
      return judgeStage(problems, `${endOf(done.exchange)}, a fresh challenge, nothing settled.`);
    },
  },
  {
    ...common,
    id: "MPP-21",
    title: "A payment that does not settle leaves no receipt",
    severity: "high",
    basis: mppCore(
      "Receipt Status Semantics",
      "Servers MUST NOT return a `Payment-Receipt` header on error responses.",
    ),
    gains: "Buyers book as paid what was not, and show a receipt for it.",
    mend: "Make the receipt of what settle answered, behind the check that it says success.",
    async run(context) {
      const { address: payer } = context.payer.account;
      const settle = says("refuses", {
        success: false,
        errorReason: "insufficient_funds",
        transaction: "",
        network: "eip155:84532",
        payer,
      });
      const done = await perform(context, { settle });
      if (done.count("settle") === 0) return unsettled(done.exchange);
      const problems = await soldInSpite(context, done);
      const { answer } = done.exchange;
      if (answer && headerOf(answer, "payment-receipt") !== undefined)
        problems.push(`the ${answer.status} has a Payment-Receipt`);
      return judgeStage(problems, `${endOf(done.exchange)}, no receipt.`);
    },
  },
];

function notFresh({ profile }: Context, { exchange, payment }: Performance): string[] {
  const { answer } = exchange;
  if (answer?.status !== 402) return [`the status is ${endOf(exchange)}`];
  const { challenge } = readChallenge(answer, profile);
  if (!challenge) return ["the 402 has no challenge that can be read"];
  return challenge.value["id"] === payment.offer.challenge.value["id"]
    ? ["the challenge is the one that was used"]
    : [];
}
