/** Group D, third part: more than one place for a payment. */
import { broken, type Case, holds } from "../case.ts";
import { httpV2, policy } from "../basis.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, encodePayment, makePayment } from "../pay/payment.ts";
import { judge } from "./judge.ts";

const X402 = ["x402-v2", "x402-v1"] as const;

export const AMBIGUITY_CASES: readonly Case[] = [
  {
    id: "HTTP-12",
    title: "Two payment headers in one request are refused",
    level: "policy",
    severity: "high",
    ring: 1,
    profiles: X402,
    basis: policy(
      "A proxy reads the first of two headers and the server the last; what one checked is not what the other takes.",
    ),
    gains: "A bad payment slips past a check behind a good one.",
    mend: "Refuse a request in which the payment header stands twice; Node joins the values with a comma.",
    cwe: 444,
    async run(context) {
      const offer = await askPrice(context);
      const bad = await makePayment(context, offer, { signature: () => `0x${"00".repeat(65)}` });
      const other = encodePayment(offer, context.profile, "{}");
      const first = await context.ask({ headers: [bad.header, other] }, { alone: true });
      const second = await context.ask({ headers: [other, bad.header] }, { alone: true });
      const problems = [first, second].filter(
        (exchange) => isGrant(exchange) || (exchange.answer?.status ?? 500) >= 500,
      );
      return judge(
        problems.map(({ answer, failure }) => `two headers ended in ${answer?.status ?? failure}`),
        "Refused.",
      );
    },
  },
  {
    id: "HTTP-13",
    title: "A header of the other version does not stand for this one",
    level: "policy",
    severity: "high",
    ring: 1,
    profiles: ["x402-v2"],
    basis: policy("A server that reads both must hold each to its own rules."),
    gains: "An unchecked X-PAYMENT opens what PAYMENT-SIGNATURE guards.",
    mend: "Read one payment header for each route, and refuse two.",
    cwe: 436,
    async run(context) {
      const offer = await askPrice(context);
      const bad = await makePayment(context, offer, { signature: () => `0x${"00".repeat(65)}` });
      const [, value] = bad.header;
      const both = await context.ask(
        {
          headers: [
            ["X-PAYMENT", value],
            ["PAYMENT-SIGNATURE", value],
          ],
        },
        { alone: true },
      );
      const alone = await context.ask({ headers: [["X-PAYMENT", value]] }, { alone: true });
      return isGrant(both) || isGrant(alone)
        ? broken("A payment that is not paid was granted in X-PAYMENT.")
        : holds("Refused.");
    },
  },
  {
    id: "HTTP-17",
    title: "A payment outside its header is not looked at",
    level: "policy",
    severity: "medium",
    ring: 1,
    profiles: X402,
    basis: httpV2("Header Summary", "`PAYMENT-SIGNATURE` | Client → Server"),
    gains:
      "Query strings and cookies are logged, cached and sent along by browsers: payments in them leak.",
    mend: "Read the header only.",
    cwe: 598,
    async run(context) {
      const offer = await askPrice(context);
      const { header } = await makePayment(context, offer, {
        signature: () => `0x${"00".repeat(65)}`,
      });
      const [name, value] = header;
      const mark = context.target.path.includes("?") ? "&" : "?";
      const inQuery = await context.ask(
        { path: `${context.target.path}${mark}${name}=${encodeURIComponent(value)}` },
        { alone: true },
      );
      const inCookie = await context.ask(
        { headers: [["Cookie", `${name}=${encodeURIComponent(value)}`]] },
        { alone: true },
      );
      return isGrant(inQuery) || isGrant(inCookie)
        ? broken("It was granted.")
        : holds("402 either way.");
    },
  },
];
