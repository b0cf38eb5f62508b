/** Group F, fourth part: a payment for one order, sent with another; and a price that moves between the quote and the payment. */
import { broken, type Case, holds, skipped, unclear } from "../case.ts";
import { mppCore, policy } from "../basis.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { isUsed, moneyOf } from "../pay/sale.ts";
import { MPP, X402 } from "./judge.ts";
import { besideSibling } from "./sibling.ts";

const common = {
  ring: 2,
  level: "policy",
  severity: "critical",
  payments: 1,
  profiles: [...X402, ...MPP],
  cwe: 345,
} as const;

export const ORDER_CASES: readonly Case[] = [
  {
    ...common,
    id: "TAMP-18",
    title: "The price of a cheap route does not buy at a dear one",
    basis: policy("Each route holds a payment to its own price, not to the shop's cheapest."),
    gains: "Everything is sold at the price of the cheapest route.",
    mend: "Verify the payment against the offer that this very request would get.",
    run: besideSibling(async (context, there) => {
      moneyOf(context);
      const here = await askPrice(context);
      if (here.price === there.price) return skipped("Both routes cost the same (TAMP-19).");
      const [cheap, dear] =
        here.price < there.price
          ? [here, there]
          : [there, { path: context.target.path, price: here.price }];
      const { header } = await makePayment(context, cheap);
      const exchange = await context.ask({ path: dear.path, headers: [header] }, { alone: true });
      return isGrant(exchange)
        ? broken(`${cheap.price} bought what costs ${dear.price}.`)
        : holds(`${exchange.answer?.status ?? exchange.failure}.`);
    }),
  },
  {
    ...common,
    id: "TAMP-20",
    title: "The price of a small order does not buy a large one",
    severity: "high",
    basis: mppCore(
      "Request Body Digest Binding",
      "Servers SHOULD include the `digest` parameter when issuing challenges for requests with bodies.",
    ),
    gains:
      "The buyer asks for the price of one piece, and sends an order for a hundred with that payment.",
    mend: "Price the body that came with the payment, and refuse a payment of less.",
    async run(context) {
      const { otherBody } = context.expect;
      if (otherBody === undefined)
        return skipped("Give --other-body with an order that costs more than the one of -d.");
      moneyOf(context);
      const small = await askPrice(context);
      const large = await askPrice(context, { body: otherBody });
      if (large.price <= small.price)
        return unclear(
          `The other body costs ${large.price}, and the endpoint's own ${small.price}.`,
        );
      const { header } = await makePayment(context, small);
      const exchange = await context.ask({ body: otherBody, headers: [header] }, { alone: true });
      return isGrant(exchange)
        ? broken(`${small.price} bought the order of ${large.price}.`)
        : holds(`${exchange.answer?.status ?? exchange.failure}.`);
    },
  },
  {
    ...common,
    id: "PRICE-03",
    title: "A quote is kept or refused, when the price has moved on",
    severity: "high",
    basis: policy(
      "The buyer signed one amount for at most maxTimeoutSeconds: the seller takes that or nothing.",
    ),
    gains: "The goods go without money, or the shop falls over, whenever the price moves.",
    mend: "Find the payment's own quote, or answer 402 with the new one.",
    async run(context) {
      const money = moneyOf(context);
      const quoted = await askPrice(context);
      const later = await askPrice(context);
      if (later.price === quoted.price) return skipped("The price did not move.");
      const { header, fields } = await makePayment(context, quoted);
      const exchange = await context.ask(
        { headers: [header] },
        { alone: true, deadlineMs: 60_000 },
      );
      const used = await isUsed(money, fields.from, fields.nonce);
      const status = exchange.answer?.status ?? 0;
      const story = `${quoted.price} was quoted, ${later.price} is asked now: ${status}`;
      if (isGrant(exchange))
        return used ? holds(`${story}, settled.`) : broken(`${story}, and nothing settled.`);
      return used || status >= 500 || status === 0
        ? broken(`${story}${used ? ", and the money was taken" : ""}.`)
        : holds(`${story}, nothing taken.`);
    },
  },
];
