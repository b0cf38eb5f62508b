/** Answers a question about the catalog from structured prices alone; only whether a domain is free takes a provider's word. */
import { CAPABILITIES } from "../../protocol/index.ts";
import type { Decision } from "../models/scripted-model.ts";
import { type Facts, failuresInARow, type ServiceFact } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { domainPrice, writeMoney, readMoney } from "./price.ts";
import { preferredServices } from "./preference.ts";
import { answer, call } from "./step.ts";

const WORDS: readonly [RegExp, string][] = [
  [/\b(host(ing)?|workers?|site|website|page|deploy)\b/i, CAPABILITIES.hosting],
  [/\b(storage|store|key[- ]value|KV|database)\b/i, CAPABILITIES.keyValue],
  [/\bdomains?\b/i, CAPABILITIES.domain],
];

export function answerQuestion(goal: Goal, all: readonly ServiceFact[], facts: Facts): Decision {
  const services = preferredServices(goal, all);
  const hostnames = goal.domains ? [...goal.domains.alternatives, ...goal.domains.also] : [];
  const asksAvailable = /\b(available|free|taken|registered)\b/i.test(goal.text);
  const lines: string[] = [];
  for (const hostname of hostnames) {
    const offers = services
      .filter(({ gives }) => gives.includes(CAPABILITIES.domain))
      .flatMap((service) => ({ service, priced: domainPrice(service, hostname) }));
    const sold = offers.flatMap(({ service, priced }) => (priced ? [{ service, ...priced }] : []));
    if (sold.length === 0) lines.push(`Nobody in the catalog sells ${hostname}.`);
    for (const { service, domain, price } of sold) {
      const check = facts.checks.findLast(
        (known) => known.service === service.service && known.domain === domain,
      );
      const operable =
        service.operations.includes("check") && failuresInARow(facts.calls, "check_domain") < 2;
      if (asksAvailable && operable && (!check || check.call.error)) {
        return call(`Is ${domain} available?`, {
          tool: "check_domain",
          input: { service: service.service, domain },
        });
      }
      const state =
        check && !check.call.error
          ? check.available
            ? " and is available"
            : " and is not available"
          : "";
      lines.push(
        `${domain} costs ${writeMoney(price)}${perInterval(service, price)} at ${service.provider} (${service.service})${state}.`,
      );
    }
  }
  const wanted = hostnames.length > 0 ? [] : capabilitiesIn(goal.text);
  const listed = services.filter(({ gives }) =>
    hostnames.length > 0
      ? false
      : wanted.length === 0 || wanted.some((capability) => gives.includes(capability)),
  );
  lines.push(
    ...listed.slice(0, 20).map((service) => `${service.service}: ${priceWords(service)}.`),
  );
  return answer(lines.length > 0 ? lines.join("\n") : "The catalog has nothing of the kind.");
}

function capabilitiesIn(text: string): string[] {
  return WORDS.filter(([pattern]) => pattern.test(text)).map(([, capability]) => capability);
}

function perInterval({ prices }: ServiceFact, price: bigint): string {
  const interval = prices.find(({ amount }) => readMoney(amount) === price)?.interval;
  return interval === "year" || interval === "month" ? ` a ${interval}` : "";
}

function priceWords({ free, prices }: ServiceFact): string {
  if (free) return "free";
  const amounts = prices
    .map(({ amount }) => readMoney(amount))
    .toSorted((a, b) => (a < b ? -1 : 1));
  const [lowest, highest] = [amounts[0], amounts.at(-1)];
  if (lowest === undefined || highest === undefined) return "paid";
  return lowest === highest
    ? writeMoney(lowest)
    : `${writeMoney(lowest)} to ${writeMoney(highest)}`;
}
