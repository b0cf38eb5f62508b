/** Group G, third part: two instances of one shop. */
import { type Case, skipped } from "../case.ts";
import { policy } from "../basis.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { moneyOf } from "../pay/sale.ts";
import { judgeDeliveries } from "./replay.ts";
import { MPP, X402 } from "./judge.ts";

export const ELSEWHERE_CASES: readonly Case[] = [
  {
    id: "RPLY-05",
    title: "One payment at two instances at once buys one thing",
    level: "policy",
    severity: "critical",
    ring: 2,
    payments: 1,
    profiles: [...X402, ...MPP],
    basis: policy(
      "Instances that each remember their own payments sell once each; the chain settles one of them.",
    ),
    gains: "One payment buys as often as there are instances.",
    mend: "Keep used payments in a store that all instances share (a database, not a Map).",
    cwe: 294,
    async run(context) {
      if (!context.also) return skipped("Give --also-url with the same route at another instance.");
      moneyOf(context);
      const { header } = await makePayment(context, await askPrice(context));
      const exchanges = await Promise.all(
        [false, true, false, true].map((elsewhere) =>
          context.ask({ headers: [header] }, { alone: true, elsewhere, deadlineMs: 60_000 }),
        ),
      );
      return judgeDeliveries(context, exchanges);
    },
  },
];
