/** Group L: that the price is the same for the same request, whoever asks. */
import { broken, type Case, holds, noted, told } from "../case.ts";
import { coreV2, policy } from "../basis.ts";
import type { Context, RequestChange } from "../context.ts";
import { readChallenge } from "../read/challenge.ts";
import { isObject, parse, show } from "../read/json.ts";
import { listedPrice, readOperation } from "../read/openapi.ts";
import type { Exchange } from "../wire/exchange.ts";
import { worthOf } from "./offer-grammar.ts";

const text = (value: unknown): string => (typeof value === "string" ? value : show(value));

/** The prices of an answer, in one line, or its status where it asks for nothing. */
function priceOf({ answer, failure }: Exchange, { profile }: Pick<Context, "profile">): string {
  if (!answer) return failure ?? "no answer";
  const { challenge } = readChallenge(answer, profile);
  if (!challenge) return `status ${answer.status}`;
  return challenge.offers
    .map(
      ({ scheme, network, asset, amount }) =>
        `${show(amount)} on ${show(network)} (${text(scheme)} in ${text(asset)})`,
    )
    .join(", ");
}

export const PRICE_CASES: readonly Case[] = [
  {
    id: "PRICE-01",
    title: "The same request costs the same",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: coreV2.says("5.1", "accepts defines the acceptable payment methods for the resource"),
    gains:
      "A client that asks again, or pays a moment later, is refused; an agent with a quote cannot keep it.",
    mend: "Quote from the request alone; where the price moves, keep a quote for maxTimeoutSeconds.\nWhere it is meant to move, give its bounds in the OpenAPI document: x-payment-info with min and max.",
    async run(context) {
      const prices = new Set([priceOf(await context.unpaid(), context)]);
      for (let count = 1; count < 20; count++) prices.add(priceOf(await context.ask(), context));
      if (prices.size === 1) return holds(`${[...prices][0]} in 20 requests.`);
      const seen = `${prices.size} prices in 20 requests: ${[...prices].slice(0, 3).join("; ")}.`;
      const operation = await readOperation(context);
      const listed = typeof operation === "string" ? undefined : listedPrice(operation);
      return listed && listed.least !== listed.most
        ? told(`${seen} It is said to move, from ${listed.least} to ${listed.most} (DISC-02).`)
        : broken(seen);
    },
  },
  {
    id: "PRICE-02",
    title: "Who asks does not change the price",
    level: "info",
    severity: "low",
    ring: 0,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy(
      "A price by user agent, language or claimed address is allowed; whoever compares prices should know.",
    ),
    gains: "Agents are charged more than people, or the other way round.",
    mend: "Nothing to mend where it is meant.",
    async run(context) {
      const usual = priceOf(await context.unpaid(), context);
      const variants = [
        ["User-Agent", "curl/8.5.0"],
        ["User-Agent", "Mozilla/5.0 (compatible; GPTBot/1.2)"],
        ["Accept-Language", "de-CH"],
        ["X-Forwarded-For", "8.8.8.8"],
        ["Signature-Agent", '"https://agent.example"'],
      ] as const;
      const other = [];
      for (const [name, value] of variants) {
        const price = priceOf(await context.ask({ headers: [[name, value]] }), context);
        if (price !== usual) other.push(`${name}: ${value} → ${price}`);
      }
      return other.length === 0
        ? holds("The same for five others.")
        : broken(`Else ${usual}; ${other.join("; ")}.`);
    },
  },
  {
    id: "PRICE-05",
    title: "A further parameter or field does not open it",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: "any",
    basis: policy("A route that is matched with its query string is not matched with another one."),
    gains:
      "?x=1 gets for nothing what is sold without it. Where it only changes the price, buyers cannot tell what they will pay: a warning.",
    mend: "Match the path, not the URL, and price by the parameters and fields that the handler reads.",
    cwe: 288,
    async run(context) {
      const { ask, target } = context;
      const usual = priceOf(await context.unpaid(), context);
      const mark = target.path.includes("?") ? "&" : "?";
      const variants: Record<string, RequestChange> = Object.fromEntries(
        ["purser-check=1", "%70urser=%31", "debug=true", "free=1"].map((query) => [
          mark + query,
          { path: `${target.path}${mark}${query}` },
        ]),
      );
      const order = parse(target.body ?? "");
      if (isObject(order))
        variants["a further field"] = { body: JSON.stringify({ ...order, "purser-check": true }) };
      const statuses: unknown[] = [];
      const dearer: string[] = [];
      for (const [what, change] of Object.entries(variants)) {
        const exchange = await ask(change);
        const { answer, failure } = exchange;
        if (answer && answer.status >= 200 && answer.status < 300)
          return broken(`With ${what} it is answered with ${answer.status}, unpaid.`);
        statuses.push(answer?.status ?? failure);
        const price = priceOf(exchange, context);
        if (answer?.status === 402 && price !== usual) dearer.push(`with ${what} ${price}`);
      }
      return dearer.length > 0
        ? noted(`Else ${usual}; ${dearer.slice(0, 2).join("; ")}.`)
        : holds(`${statuses.join(", ")}, at one price.`);
    },
  },
  {
    id: "PRICE-06",
    title: "Every network asks for the same worth",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: ["x402-v2", "x402-v1"],
    basis: policy(
      "Two rails with two prices are a mistake in a unit more often than an intention.",
    ),
    gains: "Buyers switch to the rail where a decimal is missing.",
    mend: "Make every offer from one price, each with its token's own decimals.",
    async run({ challenge }) {
      const { offers } = await challenge();
      const worth = offers.flatMap((offer) => worthOf(offer) ?? []);
      if (worth.length < 2) return told("Fewer than two offers in tokens that we know.");
      const values = worth.map(({ micros }) => micros).toSorted((a, b) => (a < b ? -1 : 1));
      const [least = 0n, most = 0n] = [values[0], values.at(-1)];
      const text = worth
        .map(({ network, micros }) => `${micros} millionths on ${network}`)
        .join(", ");
      return (most - least) * 100n <= least ? holds(text) : broken(`${text}.`);
    },
  },
];
