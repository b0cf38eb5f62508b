/** Group A, second part: that what is listed of the endpoint is what it asks. */
import { type Case, holds, skipped, told, unclear } from "../case.ts";
import { coreV2, policy } from "../basis.ts";
import { answerOf } from "../context.ts";
import { findAsset } from "../../protocol/asset.ts";
import { parseDecimal } from "../../protocol/money.ts";
import { listedPrice, readOperation } from "../read/openapi.ts";
import { isObject, show } from "../read/json.ts";
import { DECIMAL_INTEGER } from "./offer-grammar.ts";
import { inEach, judge, X402, X402_V2 } from "./judge.ts";

export const LISTING_CASES: readonly Case[] = [
  {
    id: "DISC-02",
    title: "The price in the OpenAPI document is the price that is asked",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: [...X402, "mpp"],
    basis: policy(
      "Crawlers read x-payment-info of /openapi.json and show its price; no specification asks for it.",
    ),
    gains: "Agents choose the endpoint by a price that it does not keep, and give up at the 402.",
    mend: "Make x-payment-info from the same price as the challenge.",
    async run(context) {
      const operation = await readOperation(context);
      if (typeof operation === "string") return skipped(operation);
      const price = listedPrice(operation);
      if (!price) return skipped("It gives no x-payment-info with a price.");
      const { offers } = await context.challenge();
      const known = offers.flatMap((offer) => {
        const asset = findAsset(String(offer.network), String(offer.asset));
        const { amount } = offer;
        return asset && typeof amount === "string" && DECIMAL_INTEGER.test(amount)
          ? [{ amount: BigInt(amount.slice(0, 78)), decimals: asset.decimals }]
          : [];
      });
      if (known.length === 0) return told("No offer is in a token that we know.");
      const problems = inEach(known, "offer", ({ amount, decimals }) => {
        const [least, most] = [price.least, price.most].map((text) => atomic(text, decimals));
        if (least === undefined || most === undefined)
          return `: the listed price ${show([price.least, price.most])} is no decimal`;
        return amount < least || amount > most
          ? `asks ${amount}, and ${price.least === price.most ? least : `${least} to ${most}`} is listed`
          : undefined;
      });
      return judge(problems, `${price.least} is listed, and asked.`);
    },
  },
  {
    id: "DISC-06",
    title: "The example that it gives to catalogs asks for a payment",
    level: "advice",
    severity: "low",
    ring: 0,
    profiles: X402_V2,
    basis: policy("Catalogs try the bazaar extension's example before they list an endpoint."),
    gains: "The catalog drops the endpoint, or agents call it as nobody can.",
    mend: "Keep the bazaar extension's routeTemplate and example in step with the route.",
    async run({ challenge, ask }) {
      const { extensions } = (await challenge()).value as { extensions?: unknown };
      const bazaar = isObject(extensions) ? extensions["bazaar"] : undefined;
      if (!isObject(bazaar)) return skipped("No bazaar extension.");
      const info = isObject(bazaar["info"]) ? bazaar["info"] : {};
      const input = isObject(info["input"]) ? info["input"] : {};
      const template = bazaar["routeTemplate"] ?? info["routeTemplate"];
      if (typeof template !== "string") return skipped("It gives no routeTemplate.");
      const params = isObject(input["pathParams"]) ? input["pathParams"] : {};
      const path = template.replace(/:(\w+)|\{(\w+)\}/g, (_, a?: string, b?: string) =>
        encodeURIComponent(text(params[a ?? b ?? ""] ?? "example")),
      );
      if (!path.startsWith("/")) return unclear(`routeTemplate is ${show(template)}, not a path.`);
      const query = isObject(input["queryParams"]) ? Object.entries(input["queryParams"]) : [];
      const search = new URLSearchParams(
        query.map(([name, value]): [string, string] => [name, text(value)]),
      );
      const { method } = input;
      const answer = answerOf(
        await ask({
          path: search.size > 0 ? `${path}?${search.toString()}` : path,
          ...(typeof method === "string" && /^[A-Z]{3,7}$/.test(method) ? { method } : {}),
          ...(isObject(input["body"]) ? { body: JSON.stringify(input["body"]) } : {}),
        }),
      );
      return judge(
        answer.status === 402 ? [] : [`${show(path)} is answered with ${answer.status}`],
        `${show(path)}: 402.`,
      );
    },
  },
  {
    id: "DISC-07",
    title: "A catalog lists what the endpoint asks",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2("8.2", "Array of PaymentRequirements objects specifying payment methods"),
    gains: "Buyers come for a price, a token or a recipient that is not the endpoint's.",
    mend: "Have the catalog read the endpoint again after each change, and take old entries out.",
    async run({ challenge, expect, target }) {
      if (!expect.listed) return skipped("Give --catalog with a catalog's answer (JSON).");
      const own = new URL(target.url);
      const entry = expect.listed.find((item) => {
        const { resource } = isObject(item) ? item : {};
        if (typeof resource !== "string" || !URL.canParse(resource)) return false;
        const url = new URL(resource);
        return url.hostname === own.hostname && url.pathname === own.pathname;
      });
      if (!isObject(entry)) return skipped("The catalog does not list this URL.");
      const { offers } = await challenge();
      const key = (terms: Readonly<Record<string, unknown>>) =>
        ["scheme", "network", "asset", "payTo"]
          .map((name) => String(terms[name]).toLowerCase())
          .join(" ");
      const live = new Set(offers.map(({ raw }) => key(raw)));
      const listed = Array.isArray(entry["accepts"]) ? entry["accepts"].filter(isObject) : [];
      const problems = listed.flatMap((terms) =>
        live.has(key(terms)) ? [] : [`it lists ${show(key(terms), 160)}, which is not asked`],
      );
      return problems.length > 0
        ? judge(problems, "")
        : holds(`${listed.length} offers, all asked.`);
    },
  },
];

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function atomic(price: string, decimals: number): bigint | undefined {
  try {
    return parseDecimal(price, decimals);
  } catch {
    return undefined;
  }
}
