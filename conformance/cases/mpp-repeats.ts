/** Group C, third part: credentials that come twice, retries with a key, and what each refusal is called. */
import { broken, type Case, holds, noted, skipped } from "../case.ts";
import { mppCore } from "../basis.ts";
import { answerOf, type Context } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, headerFor, makePayment, type PaymentChange } from "../pay/payment.ts";
import { isUsed, moneyOf } from "../pay/sale.ts";
import { isObject, parse, show } from "../read/json.ts";
import type { WireAnswer } from "../wire/exchange.ts";
import { judge, MPP } from "./judge.ts";

const zeros = () => `0x${"00".repeat(65)}` as const;
const PROBLEMS = "https://paymentauth.org/problems/";

export const MPP_REPEAT_CASES: readonly Case[] = [
  {
    id: "MPP-10",
    title: "Two credentials in one request are refused",
    level: "advice",
    severity: "medium",
    ring: 1,
    profiles: MPP,
    // A SHOULD of an earlier draft; this one has the error code and no sentence about it.
    basis: mppCore("Error Codes", "`bad-request` | 400 | Malformed request or invalid parameters"),
    gains:
      "A proxy checks the first credential, and the server takes the second. That the status be 400 is told by a table alone: another refusal is a warning too.",
    mend: "Refuse a request with more than one Payment credential; Node hides the second Authorization (headersDistinct has both).",
    cwe: 444,
    async run(context) {
      const offer = await askPrice(context);
      const first = await makePayment(context, offer, { signature: zeros });
      const second = headerFor(offer, "mpp", Buffer.from("{}").toString("base64url"));
      const exchange = await context.ask({ headers: [first.header, second] }, { alone: true });
      const { status } = answerOf(exchange);
      if (status === 400) return holds("400.");
      return isGrant(exchange) || status >= 500
        ? broken(`They were answered with ${status}.`)
        : noted(`${status}, where 400 says that the request itself is wrong.`);
    },
  },
  {
    id: "MPP-14",
    title: "A retry with the same Idempotency-Key gets the first answer",
    level: "should",
    severity: "high",
    ring: 2,
    payments: 2,
    profiles: MPP,
    basis: mppCore(
      "Idempotency and Side Effects",
      "When a client retries a request with the same `Idempotency-Key` and a valid Payment credential, the server SHOULD return the same response as the original successful request without re-executing the operation.",
    ),
    gains:
      "A buyer who lost the answer orders twice and pays twice; you have a refund and a complaint.",
    mend: "Keep the answer under the key and the payer, and look it up before the new credential is settled.",
    async run(context) {
      if (["GET", "HEAD"].includes(context.target.method))
        return skipped(
          `${context.target.method} changes nothing; the key is for POST, PUT and DELETE.`,
        );
      const money = moneyOf(context);
      const key = ["Idempotency-Key", `purser-check-${context.randomInt(2 ** 32)}`] as const;
      const first = await makePayment(context, await askPrice(context));
      const sold = await context.ask({ headers: [key, first.header] }, { alone: true });
      if (!isGrant(sold)) return broken(`With a key it was answered with ${sold.answer?.status}.`);
      const second = await makePayment(context, await askPrice(context));
      const again = await context.ask({ headers: [key, second.header] }, { alone: true });
      const charged = await isUsed(money, second.fields.from, second.fields.nonce);
      if (again.answer?.status !== sold.answer?.status || again.answer?.body !== sold.answer?.body)
        return broken(
          `The retry was answered otherwise (${again.answer?.status ?? again.failure})${charged ? ", and charged" : ""}.`,
        );
      return charged
        ? broken("The same answer, and charged twice.")
        : holds("The same answer, charged once.");
    },
  },
  {
    id: "MPP-19",
    title: "Each refusal has the problem type of its reason",
    level: "should",
    severity: "low",
    ring: 1,
    profiles: MPP,
    // The table of status codes says MUST, and the section on error bodies SHOULD: both readings pass, with a warning.
    basis: mppCore(
      "Error Response Format",
      "The `type` URI SHOULD correspond to one of the problem types defined below, and the canonical base URI for problem types is `https://paymentauth.org/problems/`.",
    ),
    gains:
      "A client cannot tell a typing error from a wrong signature: it signs again where it should give up, or the other way round.",
    mend: "Answer malformed-credential, invalid-challenge or verification-failed, as the table of the draft has it.",
    async run(context) {
      const offer = await askPrice(context);
      const send = async (change: PaymentChange) => {
        const { header } = await makePayment(context, offer, change);
        return answerOf(await context.ask({ headers: [header] }, { alone: true }));
      };
      const wanted: [string, WireAnswer, readonly string[]][] = [
        ["text that is no JSON", await sendText(context, "text"), ["malformed-credential"]],
        [
          "an id that was never issued",
          await send({ edit: (draft) => void (draft["challenge"].id = "A".repeat(43)) }),
          ["invalid-challenge"],
        ],
        // A signature of zeros is no valid proof, and no payload that fits the schema either.
        [
          "a signature of zeros",
          await send({ signature: zeros }),
          ["verification-failed", "invalid-payload"],
        ],
      ];
      const problems = wanted.flatMap(([what, answer, types]) => {
        const type = typeOf(answer);
        return types.some((name) => type === PROBLEMS + name)
          ? []
          : [`${what} is refused as ${show(type)}, not as ${types.join(" or ")}`];
      });
      return judge(problems, "malformed-credential, invalid-challenge and verification-failed.");
    },
  },
];

async function sendText(context: Context, text: string): Promise<WireAnswer> {
  const offer = await askPrice(context);
  const header = headerFor(offer, "mpp", Buffer.from(text).toString("base64url"));
  return answerOf(await context.ask({ headers: [header] }, { alone: true }));
}

function typeOf({ body }: WireAnswer): unknown {
  const value = parse(body);
  return isObject(value) ? value["type"] : undefined;
}
