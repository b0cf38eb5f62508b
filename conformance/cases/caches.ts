/** Group D, fifth part: a shared cache between buyers and the endpoint. */
import { broken, type Case, holds, unclear } from "../case.ts";
import { rfc9111 } from "../basis.ts";
import { oneSale } from "../pay/sale.ts";
import { show } from "../read/json.ts";
import { headerOf } from "../wire/exchange.ts";
import { mayReuse } from "../wire/shared-cache.ts";
import { MPP, X402 } from "./judge.ts";

export const CACHE_CASES: readonly Case[] = [
  {
    id: "HTTP-09",
    title: "A shared cache in front would not sell the answer again",
    level: "policy",
    severity: "critical",
    ring: 2,
    payments: 1,
    profiles: [...X402, ...MPP],
    basis: rfc9111.says(
      "3 and 3.5",
      "A shared cache may keep an answer unless it says private or no-store; of the request only Authorization forbids it by itself.",
    ),
    gains: "One buyer pays, and the CDN gives the answer to everybody who asks after them, unpaid.",
    mend: "Set Cache-Control: private, no-store on paid answers. Vary on the payment header alone still lets a used payment fetch it.",
    cwe: 524,
    async run(context) {
      const { answer } = await oneSale(context);
      const paid = context.exchanges.find((exchange) => exchange.answer === answer);
      const unpaid = await context.ask();
      if (!paid) return unclear("The sale is not among what was kept.");
      const told = ["cache-control", "expires", "vary"]
        .map((name) => `${name} ${show(headerOf(answer, name))}`)
        .join(", ");
      return mayReuse(paid.request, answer, unpaid.request)
        ? broken(`By RFC 9111 a cache may answer the next unpaid request with it: ${told}.`)
        : holds(`${told}.`);
    },
  },
];
