/** Group D, third part: more than one place for a payment. */
import { broken, type Case, holds } from "../case.ts";
import { httpV2, policy } from "../basis.ts";
import type { Context, RequestChange } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, encodePayment, makePayment, type Payment } from "../pay/payment.ts";
import { isUsed } from "../pay/sale.ts";
import { isObject, parse } from "../read/json.ts";
import { judge } from "./judge.ts";

const X402 = ["x402-v2", "x402-v1"] as const;

const zeros = () => `0x${"00".repeat(65)}` as const;

async function wasTaken({ payer }: Context, payment: Payment | undefined): Promise<boolean> {
  if (!payer.money || !payment) return false;
  return await isUsed(payer.money, payment.fields.from, payment.fields.nonce);
}

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
    payments: 1,
    async run(context) {
      const offer = await askPrice(context);
      const bad = await makePayment(context, offer, { signature: zeros });
      // With money one of the two is good: what one reader takes, another has refused.
      const good = context.payer.money ? await makePayment(context, offer) : undefined;
      const other = good?.header ?? encodePayment(offer, context.profile, "{}");
      const first = await context.ask({ headers: [bad.header, other] }, { alone: true });
      const second = await context.ask({ headers: [other, bad.header] }, { alone: true });
      const problems = [first, second]
        .filter((exchange) => isGrant(exchange) || (exchange.answer?.status ?? 500) >= 500)
        .map(({ answer, failure }) => `two headers ended in ${answer?.status ?? failure}`);
      if (await wasTaken(context, good)) problems.push("the money of the good one was taken");
      return judge(problems, `${first.answer?.status} and ${second.answer?.status}.`);
    },
  },
  {
    id: "HTTP-13",
    title: "A header of the other version does not stand for this one",
    level: "policy",
    severity: "high",
    ring: 1,
    profiles: X402,
    payments: 1,
    basis: policy("A server that reads both must hold each to its own rules."),
    gains:
      "An unchecked X-PAYMENT opens what PAYMENT-SIGNATURE guards; or one header is checked and the other settled.",
    mend: "Read one payment header for each route, and refuse two.",
    cwe: 436,
    async run(context) {
      const offer = await askPrice(context);
      const bad = await makePayment(context, offer, { signature: zeros });
      const [own, value] = bad.header;
      const other = own === "X-PAYMENT" ? "PAYMENT-SIGNATURE" : "X-PAYMENT";
      const both = await context.ask({ headers: [[other, value], bad.header] }, { alone: true });
      const alone = await context.ask({ headers: [[other, value]] }, { alone: true });
      if (isGrant(both) || isGrant(alone))
        return broken(`A payment that is not paid was granted in ${other}.`);
      const good = context.payer.money ? await makePayment(context, offer) : undefined;
      if (!good) return holds("Refused.");
      // A good one may be taken beside a bad one of the other version, or refused: but not taken for nothing, nor kept.
      const mixed = await context.ask(
        { headers: [good.header, [other, value]] },
        { alone: true, deadlineMs: 60_000 },
      );
      const paid = await wasTaken(context, good);
      const end = mixed.answer?.status ?? mixed.failure;
      return isGrant(mixed) === paid
        ? holds(`Refused; beside a good one ${end}, ${paid ? "paid" : "nothing taken"}.`)
        : broken(
            `Beside a good one: ${end}, ${paid ? "and the money was taken" : "and not paid"}.`,
          );
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
    mend: "Read the payment header only: request.headers, not a helper that looks into query, body and cookies too.",
    cwe: 598,
    payments: 1,
    async run(context) {
      const { target } = context;
      const offer = await askPrice(context);
      // A good one where there is money: whoever looks at it there takes it.
      const payment = await makePayment(
        context,
        offer,
        context.payer.money ? {} : { signature: zeros },
      );
      const [name, value] = payment.header;
      const mark = target.path.includes("?") ? "&" : "?";
      const order = parse(target.body ?? "{}");
      const fields = isObject(order) ? order : {};
      const places: Record<string, RequestChange> = {
        "the query": { path: `${target.path}${mark}${name}=${encodeURIComponent(value)}` },
        "a cookie": { headers: [["Cookie", `${name}=${encodeURIComponent(value)}`]] },
        "the body": {
          body: JSON.stringify({ ...fields, [name]: value, paymentPayload: payment.value }),
          headers: [["Content-Type", "application/json"]],
        },
      };
      for (const [where, change] of Object.entries(places)) {
        const exchange = await context.ask(change, { alone: true });
        if (isGrant(exchange)) return broken(`A payment in ${where} was granted.`);
      }
      return (await wasTaken(context, payment))
        ? broken("It was refused, and its money was taken.")
        : holds(`Not looked at in ${Object.keys(places).join(", ")}.`);
    },
  },
];
