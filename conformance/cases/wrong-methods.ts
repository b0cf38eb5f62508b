/** Group G, second part: a payment with another method or spelling of the path, new or used: the two ways round a gate at once. */
import { broken, type Case, holds, noted, type Outcome, told } from "../case.ts";
import { policy, rfc9110 } from "../basis.ts";
import type { Context, RequestChange } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { buy, isUsed, moneyOf, readReceipt } from "../pay/sale.ts";
import { show } from "../read/json.ts";
import { headerOf } from "../wire/exchange.ts";
import { MPP, X402 } from "./judge.ts";

const common = {
  ring: 2,
  profiles: [...X402, ...MPP],
  payments: 1,
  severity: "critical",
  cwe: 288,
} as const;

export const WRONG_METHOD_CASES: readonly Case[] = [
  {
    ...common,
    id: "HTTP-03",
    title: "A payment with a method that is not served is not taken",
    level: "policy",
    severity: "high",
    basis: rfc9110(
      "15.5.6",
      "The origin server MUST generate an Allow header field in a 405 response containing a list of the target resource's currently supported methods.",
    ),
    gains: "A client's slip costs money, and there is nothing to deliver.",
    mend: "Answer 405 with Allow before the payment is looked at.",
    async run(context) {
      const money = moneyOf(context);
      const { header, fields } = await makePayment(context, await askPrice(context));
      const { answer, failure } = await context.ask(
        { method: "PROPFIND", headers: [header] },
        { alone: true },
      );
      const status = answer?.status ?? failure;
      if (await isUsed(money, fields.from, fields.nonce))
        return broken(`PROPFIND was answered with ${status}, and the money was taken.`);
      if (status !== 405) return told(`${status}, nothing taken; 405 says what is wrong.`);
      return headerOf(answer!, "allow") === undefined
        ? noted("405 without Allow.")
        : holds("405 with Allow, nothing taken.");
    },
  },
  {
    ...common,
    id: "RPLY-12",
    title: "A used payment buys nothing with another method",
    level: "policy",
    basis: policy(
      "A gate that keeps used payments by method, or looks at none for HEAD, sells the second time.",
    ),
    gains: "One payment buys once for each method that reaches the handler.",
    mend: "Reserve (asset, from, nonce) whatever the method, before any handler runs.",
    run: (context) =>
      staysUsed(
        context,
        Object.fromEntries(["HEAD", "PROPFIND", "PURSER"].map((method) => [method, { method }])),
      ),
  },
  {
    ...common,
    id: "RPLY-13",
    title: "A used payment buys nothing at another spelling of the path",
    level: "policy",
    basis: policy(
      "A store of used payments that is kept by path takes each spelling of a path for another one.",
    ),
    gains: "One payment buys as often as there are spellings.",
    mend: "Reserve (asset, from, nonce) once for the whole shop, not for each path.",
    run(context) {
      const [path = "/", query] = context.target.path.split("?");
      const rest = query === undefined ? "" : `?${query}`;
      const last = (path.codePointAt(path.length - 1) ?? 97).toString(16);
      return staysUsed(context, {
        "a trailing slash": { path: `${path}/${rest}` },
        capitals: { path: path.toUpperCase() + rest },
        "an encoded letter": { path: `${path.slice(0, -1)}%${last}${rest}` },
        "//": { path: `/${path}${rest}` },
        "a further parameter": { path: `${path}${rest === "" ? "?" : `${rest}&`}purser-check=2` },
      });
    },
  },
];

/** Buys once, and sends the used payment again in each of these ways: at most the same answer, with the same receipt, may come. */
async function staysUsed(
  context: Context,
  ways: Readonly<Record<string, RequestChange>>,
): Promise<Outcome> {
  const { payment, answer } = await buy(context);
  const receipt = show(readReceipt(answer, context), 2000);
  const statuses: string[] = [];
  for (const [what, change] of Object.entries(ways)) {
    const unpaid = await context.ask(change, { alone: true });
    const exchange = await context.ask({ ...change, headers: [payment.header] }, { alone: true });
    statuses.push(`${what} ${exchange.answer?.status ?? exchange.failure}`);
    // Where the same request is answered unpaid too, nothing is sold there (PATH-01 and the like look at it).
    if (!isGrant(exchange) || isGrant(unpaid)) continue;
    const again = exchange.answer && show(readReceipt(exchange.answer, context), 2000);
    const same = exchange.answer?.body === answer.body || change.method === "HEAD";
    if (again !== receipt || !same) return broken(`${what} was granted for a used payment.`);
  }
  return holds(`${statuses.join(", ")}.`);
}
