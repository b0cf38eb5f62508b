/** Group D, fourth part: where a payment is sent on to, what is uploaded before the price is known, and when to come back. */
import { broken, type Case, holds, noted, skipped, told } from "../case.ts";
import { mppCore, policy, rfc9110 } from "../basis.ts";
import { show } from "../read/json.ts";
import { answerOf } from "../context.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { sendUnsigned } from "../pay/unsigned.ts";
import { headerOf } from "../wire/exchange.ts";
import { judge } from "./judge.ts";

const ALL = ["x402-v2", "x402-v1", "mpp"] as const;

export const TRANSPORT_CASES: readonly Case[] = [
  {
    id: "HTTP-11",
    title: "A request with a payment is not sent elsewhere",
    level: "policy",
    severity: "high",
    ring: 1,
    profiles: ALL,
    basis: policy(
      "Clients that follow a redirect send their headers along; a payment is good for whoever receives it.",
    ),
    gains: "Whoever owns the other origin receives signed payments, and can use them first.",
    mend: "Redirect before the payment is asked for, so that the client pays at the final URL; never after.",
    cwe: 601,
    payments: 1,
    async run(context) {
      const answers = [(await sendUnsigned(context)).answer];
      if (context.payer.money) {
        const { header } = await makePayment(context, await askPrice(context));
        const paid = { alone: true, deadlineMs: 60_000 };
        answers.push(answerOf(await context.ask({ headers: [header] }, paid)));
      }
      const away = answers.filter(({ status }) => status >= 300 && status < 400);
      for (const answer of away) {
        const to = headerOf(answer, "location") ?? "";
        const { origin, url } = context.target;
        if (!URL.canParse(to, url) || new URL(to, url).origin !== origin)
          return broken(`${answer.status} to ${show(to)}.`);
      }
      const [first] = away;
      return first
        ? noted(
            `${first.status} to ${show(headerOf(first, "location"))}: a client that follows it sends the payment again.`,
          )
        : holds(`${answers.map(({ status }) => status).join(" and ")}.`);
    },
  },
  {
    id: "HTTP-16",
    title: "The price is told before a large body is uploaded",
    level: "advice",
    severity: "low",
    ring: 1,
    profiles: "any",
    basis: rfc9110.says(
      "10.1.1",
      "With Expect: 100-continue a client waits for the server's word before it sends the content.",
    ),
    gains:
      "Buyers upload megabytes to learn a price; anybody fills the server's disk or memory unpaid.",
    mend: "Put the payment middleware before body parsing; where the body sets the price, limit its size.",
    cwe: 400,
    async run({ ask, target }) {
      if (["GET", "HEAD", "DELETE"].includes(target.method)) return skipped("It takes no body.");
      const { answer, failure } = await ask(
        {
          headers: [
            ["Expect", "100-continue"],
            ["Content-Length", "10000000"],
          ],
          body: undefined,
        },
        { alone: true, holdBody: true, deadlineMs: 3000 },
      );
      if (!answer)
        return broken(
          `Without its body the request was not answered within 3 seconds (${failure}).`,
        );
      return answer.status >= 200 && answer.status < 300
        ? broken(`It was answered with ${answer.status}, unpaid.`)
        : holds(`${answer.status} before the body.`);
    },
  },
  {
    id: "ERR-04",
    title: "Whoever is to come back later is told when",
    level: "advice",
    severity: "low",
    ring: 1,
    profiles: ALL,
    basis: mppCore(
      "Retry Behavior",
      "Servers SHOULD use the `Retry-After` HTTP header RFC9110 to indicate when clients may retry",
    ),
    gains: "Agents retry at once, all together, and keep a busy server busy.",
    mend: "Send Retry-After (in seconds) with every 429 and 503, the proxy's too.",
    async run(context) {
      await sendUnsigned(context);
      const late = context.exchanges.filter(({ answer }) =>
        [429, 503].includes(answer?.status ?? 0),
      );
      if (late.length === 0) return told("No 429 or 503 was seen so far.");
      const [silent] = late.filter(
        ({ answer }) => answer && headerOf(answer, "retry-after") === undefined,
      );
      if (silent) context.cite(silent.index);
      return judge(
        silent ? [`a ${silent.answer?.status} has no Retry-After`] : [],
        `${late.length} of them, all with Retry-After.`,
      );
    },
  },
];
