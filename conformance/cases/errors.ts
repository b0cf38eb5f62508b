/** Group K, and what belongs to it: what a refusal says, keeps to itself, and leaves behind. */
import { broken, type Case, holds, noted } from "../case.ts";
import { coreV2, httpV2, policy } from "../basis.ts";
import { answerOf } from "../context.ts";
import { readChallenge } from "../read/challenge.ts";
import { isObject, parse, show } from "../read/json.ts";
import { headerOf, type WireAnswer } from "../wire/exchange.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { newStranger } from "../pay/payer-side.ts";
import {
  askPrice,
  encodePayment,
  headerFor,
  makePayment,
  type PaymentChange,
} from "../pay/payment.ts";
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
    mend: "Pass on the facilitator's invalidReason; where you refuse by yourself, give the code of section 9 that names what is wrong.",
    async run(context) {
      const { payer } = context;
      const now = BigInt(Math.floor(context.now() / 1000));
      const poor = newStranger();
      const other = newStranger().address;
      const problems: string[] = [];
      const told: string[] = [];
      const kinds: [what: string, right: keyof typeof REASONS, change: PaymentChange][] = [
        ["a signature of zeros", "signature", { signature: () => `0x${"00".repeat(65)}` }],
        [
          "a price of one unit",
          "value",
          { signer: poor, fields: { from: poor.address, value: 1n } },
        ],
        ["another recipient", "recipient", { fields: { to: other } }],
        ["an authorization of yesterday", "late", { fields: { validBefore: now - 86_400n } }],
        [
          "one of tomorrow",
          "early",
          { fields: { validAfter: now + 86_400n, validBefore: now + 90_000n } },
        ],
        ["a payer without money", "funds", { signer: poor, fields: { from: poor.address } }],
      ];
      for (const [what, right, change] of kinds) {
        const { header } = await makePayment(context, await askPrice(context), change);
        const exchange = await context.ask({ headers: [header] }, { alone: true });
        if (isGrant(exchange)) continue; // SIG-01 and TAMP-* say so.
        const text = reasonOf(answerOf(exchange));
        told.push(show(text, 60));
        const isPoor = payer.money === undefined || change.signer !== undefined;
        const said = Object.entries(REASONS).filter(([, pattern]) => pattern.test(text));
        // Who holds nothing may be told that instead, but for a signature that nobody made; a code beside the right one is no wrong one.
        const isTrue = (name: string) =>
          name === right || (name === "funds" && isPoor && right !== "signature");
        if (said.some(([name]) => isTrue(name))) continue;
        if (said.length > 0) problems.push(`${what} is refused with ${show(text)}`);
      }
      if (told.length > 0 && told.every((text) => text === '""'))
        return noted("No reason is given.");
      return judge(problems, `${[...new Set(told)].join(", ")}.`);
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
      const inside = context.harness ? [context.harness.link.url] : [];
      const problems = answers.flatMap(({ body }) => {
        const leak =
          /\n\s+at .+:\d+:\d+|node_modules\/|\/home\/\w|\/usr\/src\/|(?:api[_-]?key|secret|bearer)["':= ]+\w{12,}|ECONNREFUSED [\d.]+:\d+|https?:\/\/[^\s"'<>]*facilitator[^\s"'<>]*/i.exec(
            body,
          )?.[0] ?? inside.find((url) => body.includes(url));
        return leak === undefined ? [] : [`a refusal says ${show(leak.trim(), 60)}`];
      });
      return judge([...new Set(problems)], `${answers.length} refusals.`);
    },
  },
];

/** What the standard codes (section 9) and the longer ones of the reference packages name. */
const REASONS = {
  signature: /signature/,
  value: /authorization_value|value_mismatch|amount/,
  recipient: /recipient/,
  late: /valid_before|expired/,
  early: /valid_after/,
  funds: /insufficient_(funds|balance)/,
  network: /invalid_network|network_mismatch/,
  scheme: /(invalid|unsupported)_scheme/,
} as const;

/** What a refusal gives as its reason, wherever it does. */
export function reasonOf(answer: WireAnswer): string {
  const receipts = ["payment-response", "x-payment-response"].map((name) =>
    parse(Buffer.from(headerOf(answer, name) ?? "", "base64").toString("utf8")),
  );
  const challenge = readChallenge(answer, "x402-v2").challenge?.value;
  const texts = [...receipts, challenge, parse(answer.body)].flatMap((value) =>
    isObject(value)
      ? ["errorReason", "error", "invalidReason", "type", "detail"].map((name) => value[name])
      : [],
  );
  return texts.filter((text) => typeof text === "string").join(" ");
}
