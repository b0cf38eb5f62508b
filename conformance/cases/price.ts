/** Group L: that the price is the same for the same request, whoever asks. */
import { broken, type Case, holds, skipped, told } from "../case.ts";
import { coreV2, policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { findAsset } from "../../protocol/asset.ts";
import { readChallenge } from "../read/challenge.ts";
import { show } from "../read/json.ts";
import type { Exchange } from "../wire/exchange.ts";
import { DECIMAL_INTEGER } from "./offer-grammar.ts";

/** The prices of an answer, in one line, or its status where it asks for nothing. */
function priceOf({ answer, failure }: Exchange, { profile }: Pick<Context, "profile">): string {
  if (!answer) return failure ?? "no answer";
  const { challenge } = readChallenge(answer, profile);
  if (!challenge) return `status ${answer.status}`;
  return challenge.offers
    .map(({ amount, network }) => `${show(amount)} on ${show(network)}`)
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
    mend: "Quote from the request alone; where the price moves, keep a quote for maxTimeoutSeconds.",
    async run(context) {
      const prices = new Set([priceOf(await context.unpaid(), context)]);
      for (let count = 1; count < 20; count++) prices.add(priceOf(await context.ask(), context));
      return prices.size === 1
        ? holds(`${[...prices][0]} in 20 requests.`)
        : broken(`${prices.size} prices in 20 requests: ${[...prices].slice(0, 3).join("; ")}.`);
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
      ] as const;
      const other = [];
      for (const [name, value] of variants) {
        const price = priceOf(await context.ask({ headers: [[name, value]] }), context);
        if (price !== usual) other.push(`${name}: ${value} → ${price}`);
      }
      return other.length === 0
        ? holds("The same for four others.")
        : broken(`Else ${usual}; ${other.join("; ")}.`);
    },
  },
  {
    id: "PRICE-05",
    title: "A further query parameter does not open it",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: "any",
    basis: policy("A route that is matched with its query string is not matched with another one."),
    gains: "?x=1 gets for nothing what is sold without it.",
    mend: "Match the path, not the URL.",
    cwe: 288,
    async run({ ask, first, target }) {
      if ((await first()).status !== 402)
        return skipped("It asks for no payment without one either.");
      const mark = target.path.includes("?") ? "&" : "?";
      const statuses = [];
      for (const query of ["purser-check=1", "%70urser=%31", "debug=true", "free=1"]) {
        const { answer, failure } = await ask({ path: `${target.path}${mark}${query}` });
        if (answer && answer.status >= 200 && answer.status < 300)
          return broken(`With ${mark}${query} it is answered with ${answer.status}, unpaid.`);
        statuses.push(answer?.status ?? failure);
      }
      return holds(`${statuses.join(", ")}.`);
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
      const worth = offers.flatMap(({ network, asset, amount }) => {
        const known = findAsset(String(network), String(asset));
        if (!known || typeof amount !== "string" || !DECIMAL_INTEGER.test(amount)) return [];
        return [
          {
            network: known.networkName,
            micros: (BigInt(amount.slice(0, 60)) * 1_000_000n) / 10n ** BigInt(known.decimals),
          },
        ];
      });
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
