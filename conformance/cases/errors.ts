/** Group K, and what belongs to it: what a refusal says, keeps to itself, and leaves behind. */
import { broken, type Case, holds, noted } from "../case.ts";
import { coreV2, httpV2, policy } from "../basis.ts";
import { answerOf } from "../context.ts";
import { readChallenge } from "../read/challenge.ts";
import { isObject, parse, show } from "../read/json.ts";
import { headerOf, type WireAnswer } from "../wire/exchange.ts";
import { askPrice, encodePayment, headerFor } from "../pay/payment.ts";
import { sendUnsigned } from "../pay/unsigned.ts";
import { judge } from "./judge.ts";

const X402 = ["x402-v2", "x402-v1"] as const;
const ALL = ["x402-v2", "x402-v1", "mpp"] as const;

export const ERROR_CASES: readonly Case[] = [
  {
    id: "ERR-01",
    title: "A malformed payment is told apart from an unpaid one",
    level: "stated",
    severity: "low",
    ring: 1,
    profiles: X402,
    basis: httpV2.says(
      "Error Handling",
      "Invalid Payment | 400; Payment Failed | 402; Server Error | 500",
    ),
    gains:
      "A client with a bug is asked to pay again and again; the reference packages answer 402 too, so it is a warning.",
    mend: "Answer 400 where the header cannot be read, 402 where it can and does not hold.",
    async run(context) {
      const offer = await askPrice(context);
      const { status } = answerOf(
        await context.ask({ headers: [headerFor(offer, context.profile, "%%%")] }, { alone: true }),
      );
      const failed = (await sendUnsigned(context)).answer.status;
      if (status >= 500 || failed >= 500 || failed < 400)
        return broken(`Malformed: ${status}, not holding: ${failed}.`);
      return status === 400 && failed === 402
        ? holds("400 and 402.")
        : noted(`Malformed: ${status}, not holding: ${failed}.`);
    },
  },
  {
    id: "ERR-02",
    title: "The reason given is not another one's",
    level: "stated",
    severity: "low",
    ring: 1,
    profiles: ["x402-v2"],
    basis: coreV2(
      "9",
      "These error codes help clients understand why a payment failed and take appropriate action.",
    ),
    gains:
      "A client tops up its balance for a wrong signature, or signs again for an empty account.",
    mend: "Pass on the facilitator's invalidReason.",
    async run(context) {
      const { answer } = await sendUnsigned(context);
      const text = reasonOf(answer);
      if (text === "") return noted("No reason is given.");
      const wrong =
        /insufficient_funds|valid_after|valid_before|value|recipient|invalid_network|scheme/.exec(
          text,
        )?.[0];
      return wrong !== undefined && !text.includes("signature")
        ? broken(`A signature of zeros is refused with ${show(text)}.`)
        : holds(show(text));
    },
  },
  {
    id: "ERR-03",
    title: "A refusal tells nothing of the server's inside",
    level: "policy",
    severity: "medium",
    ring: 1,
    profiles: ALL,
    basis: policy("CWE-209: error messages with stack traces, paths, keys or internal URLs."),
    gains: "Paths, versions and the facilitator's credentials help whoever attacks next.",
    mend: "Answer with your own words, and keep the error for the log.",
    cwe: 209,
    async run(context) {
      const offer = await askPrice(context);
      const answers = [(await sendUnsigned(context)).answer];
      for (const text of ["null", '{"payload":null}', "[".repeat(200)]) {
        const { answer } = await context.ask(
          { headers: [encodePayment(offer, context.profile, text)] },
          { alone: true },
        );
        if (answer) answers.push(answer);
      }
      const problems = answers.flatMap(({ body }) => {
        const leak =
          /\n\s+at .+:\d+:\d+|node_modules\/|\/home\/\w|\/usr\/src\/|(?:api[_-]?key|secret|bearer)["':= ]+\w{12,}|ECONNREFUSED [\d.]+:\d+/i.exec(
            body,
          )?.[0];
        return leak === undefined ? [] : [`a refusal says ${show(leak.trim(), 60)}`];
      });
      return judge([...new Set(problems)], `${answers.length} refusals.`);
    },
  },
];

/** What a refusal gives as its reason, wherever it does. */
function reasonOf(answer: WireAnswer): string {
  const settle = parse(
    Buffer.from(headerOf(answer, "payment-response") ?? "", "base64").toString("utf8"),
  );
  const challenge = readChallenge(answer, "x402-v2").challenge?.value;
  const body = parse(answer.body);
  const texts = [settle, challenge, body].flatMap((value) =>
    isObject(value) ? [value["errorReason"], value["error"], value["invalidReason"]] : [],
  );
  return texts.filter((text) => typeof text === "string").join(" ");
}
