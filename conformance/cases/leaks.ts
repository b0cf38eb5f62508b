/** Group N: what an unpaid answer gives away, and how long it takes. */
import { broken, type Case, holds, noted, skipped, told } from "../case.ts";
import { policy, rfc9110 } from "../basis.ts";
import { answerOf } from "../context.ts";
import { show, walk } from "../read/json.ts";
import { headerOf, type WireAnswer } from "../wire/exchange.ts";
import { judge } from "./judge.ts";

export const LEAK_CASES: readonly Case[] = [
  {
    id: "LEAK-01",
    title: "What is sold is in no unpaid answer",
    level: "policy",
    severity: "critical",
    ring: 0,
    profiles: "any",
    basis: policy("An unpaid answer that holds the goods sells nothing."),
    gains: "The goods are in the body or a header of the 402 itself: nobody needs to pay.",
    mend: "Answer before the handler runs, and never render the resource behind a paywall that only hides it.",
    cwe: 200,
    run({ expect: { marker }, exchanges }) {
      if (marker === undefined)
        return skipped("Give --resource-marker with a text that only the paid answer holds.");
      const unpaid = exchanges.filter(({ answer }) => answer && answer.status >= 300);
      const leak = unpaid.find(({ answer }) => answer && textOf(answer).includes(marker));
      return leak
        ? broken(
            `The marker is in a ${leak.answer?.status} answer to ${leak.request.method} ${leak.request.path}.`,
          )
        : holds(`In none of ${unpaid.length} unpaid answers.`);
    },
  },
  {
    id: "LEAK-02",
    title: "The 402 does not describe the paid answer",
    level: "policy",
    severity: "medium",
    ring: 0,
    profiles: "any",
    basis: rfc9110.says(
      "8.8",
      "Validator fields convey metadata about the selected representation",
    ),
    gains:
      "A size or a Last-Modified of the paid answer tells whether it changed: often that is what is for sale.",
    mend: "Make the 402 before the handler sets headers, and answer HEAD like the GET that is not paid.",
    cwe: 203,
    async run({ ask, first, target }) {
      const answer = await first();
      const problems = ["last-modified", "content-range", "content-disposition"]
        .filter((name) => headerOf(answer, name) !== undefined)
        .map((name) => `the 402 has ${name}: ${show(headerOf(answer, name))}`);
      if (target.method === "GET") {
        const head = answerOf(await ask({ method: "HEAD" }));
        const [told, own] = [
          headerOf(head, "content-length"),
          String(Buffer.byteLength(answer.body)),
        ];
        if (
          head.status === 402 &&
          told !== undefined &&
          told !== "0" &&
          told !== own &&
          !answer.truncated
        )
          problems.push(`HEAD tells of ${told} bytes where the 402 has ${own}`);
      }
      return judge(problems, "Nothing of it.");
    },
  },
  {
    id: "CHAL-30",
    title: "Descriptions are short, visible, and give no orders",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy(
      "Agents read descriptions. MPP, Amount Verification: clients MUST NOT rely on the description for payment verification.",
    ),
    gains:
      "Text that instructs, or that nobody sees, steers agents; wallets that notice refuse to pay.",
    mend: "One plain sentence about what is sold, below 500 characters, without a price.",
    async run({ challenge }) {
      const { value, entries } = await challenge();
      const texts = [...walk({ value, entries })].filter(
        ([path, text]) =>
          typeof text === "string" && /(description|tags|serviceName|error)/.test(path),
      ) as [string, string][];
      const problems = texts.flatMap(([path, text]) => {
        if (text.length > 500) return [`${path} has ${text.length} characters`];
        if (/[\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\u{E0000}-\u{E007F}]/u.test(text))
          return [`${path} holds invisible characters`];
        const order =
          /ignore (all|any|previous|prior)|disregard|system prompt|you must|do not (tell|show|ask)|without (asking|confirm)|<\/?(system|assistant|user)>/i.exec(
            text,
          )?.[0];
        return order === undefined ? [] : [`${path} says ${show(order)}`];
      });
      return judge([...new Set(problems)], `${texts.length} texts.`);
    },
  },
  {
    id: "TIME-01",
    title: "How fast an unpaid request is answered",
    level: "info",
    severity: "low",
    ring: 0,
    profiles: "any",
    basis: policy("Agents compare prices by asking; a slow 402 is a slow shop."),
    gains: "Nothing.",
    mend: "Nothing to mend. A 402 that takes long often asks the facilitator before it answers.",
    async run({ ask, exchanges }) {
      for (let count = exchanges.length; count < 20; count++) await ask();
      const times = exchanges
        .filter(({ answer }) => answer?.status === 402)
        .map(({ ms }) => ms)
        .toSorted((a, b) => a - b);
      const at = (share: number) =>
        Math.round(
          (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) * 10,
        ) / 10;
      return times.length === 0
        ? noted("No 402 was seen.")
        : told(`p50 ${at(0.5)} ms, p95 ${at(0.95)} ms over ${times.length} answers.`);
    },
  },
];

function textOf({ headers, body }: WireAnswer): string {
  return `${headers.map((line) => line.join(": ")).join("\n")}\n${body}`;
}
