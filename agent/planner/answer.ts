/** Answers a question about the catalog from structured prices alone; only whether a domain is free takes a provider's word. */
import { CAPABILITIES } from "../../protocol/index.ts";
import type { Decision } from "../models/scripted-model.ts";
import { type Facts, failuresInARow, type ServiceFact } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { readExtensions } from "./goal-domains.ts";
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
  const asksAvailable =
    goal.spending.forbidden !== undefined ||
    /\b(available|free|taken|registered)\b/i.test(goal.text);
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
      const at = `at ${service.provider} (${service.service})`;
      const each = `${writeMoney(price)}${perInterval(service, price)} ${at}`;
      if (!check) lines.push(`${domain} costs ${each}.`);
      else if (check.call.error)
        lines.push(`${domain} costs ${each}, if it is free: ${check.call.error.problem}`);
      else
        lines.push(check.available ? `${domain} is free: ${each}.` : `${domain} is taken, ${at}.`);
    }
  }
  const extensions = hostnames.length > 0 ? [] : readExtensions(goal.text);
  lines.push(...extensions.flatMap((extension) => extensionPrices(extension, services)));
  const wanted = lines.length > 0 ? [] : capabilitiesIn(goal.text);
  const listed = services.filter(({ gives }) =>
    lines.length > 0
      ? false
      : wanted.length === 0 || wanted.some((capability) => gives.includes(capability)),
  );
  lines.push(
    ...listed.slice(0, 20).map((service) => `${service.service}: ${priceWords(service)}.`),
  );
  return answer(lines.length > 0 ? lines.join("\n") : "The catalog has nothing of the kind.");
}

/** What a domain under an extension costs, wherever it is sold. */
function extensionPrices(extension: string, services: readonly ServiceFact[]): string[] {
  const sold = services
    .filter(({ gives }) => gives.includes(CAPABILITIES.domain))
    .flatMap((service) => {
      const priced = domainPrice(service, `name.${extension}`);
      return priced ? [{ service, ...priced }] : [];
    })
    .map(
      ({ service, price }) =>
        `A .${extension} domain costs ${writeMoney(price)}${perInterval(service, price)} at ${service.provider} (${service.service}).`,
    );
  return sold.length > 0 ? sold : [`Nobody in the catalog sells .${extension} domains.`];
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
