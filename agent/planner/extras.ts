/**
 * Services beyond a site's own parts. A stranger chooses the words in its catalog, so a word alone never makes us buy: the goal
 * has to name the service itself ("acme/sms"), or its provider and what it gives ("error tracking from acme").
 */
import type { Decision } from "../models/scripted-model.ts";
import { CAPABILITIES } from "../../protocol/index.ts";
import { fillConfiguration } from "./configuration.ts";
import { type Facts, hasResource, purchaseOf, type ServiceFact } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { maySpend } from "./may-spend.ts";
import { isAskedFor } from "./preference.ts";
import { flatPrice, readMoney, writeMoney } from "./price.ts";
import { reactTo } from "./reaction.ts";
import { siteName } from "./site-name.ts";
import { answer, call, stop } from "./step.ts";

export interface Extra {
  service: ServiceFact;
  /** A domain, where the extra is one. */
  domain?: string | undefined;
  /** True where nobody compared its price with what may be spent: the naive agent's. */
  unchecked?: boolean;
}

const OWN_PARTS = new Set<string>(Object.values(CAPABILITIES));
const MAX_TRIES = 3;

export function findExtras(goal: Goal, services: readonly ServiceFact[]): Extra[] {
  const text = goal.spending.rest.toLowerCase();
  const words = ` ${text.replace(/[^a-z0-9/:.]+/g, " ")} `;
  return services
    .filter(({ gives }) => !gives.includes(CAPABILITIES.domain))
    .filter((service) => {
      if (text.includes(service.service.toLowerCase())) return true;
      if (!isAskedFor(goal, service)) return false;
      return service.gives
        .filter((capability) => !OWN_PARTS.has(capability) || goal.kind === "buy")
        .some((capability) => words.includes(` ${capability.toLowerCase().replaceAll("-", " ")} `));
    })
    .map((service) => ({ service }));
}

/** Adds each in turn, and answers when all are there. */
export function acquireExtras(extras: readonly Extra[], goal: Goal, facts: Facts): Decision {
  for (const { service, domain, unchecked } of extras) {
    if (isThere(facts, { service, domain })) continue;
    const tries = facts.additions.filter(
      (addition) =>
        addition.service === service.service &&
        (domain === undefined || Object.values(addition.configuration).includes(domain)),
    );
    const error = tries.at(-1)?.call.error;
    if (error) {
      const reaction = reactTo(error);
      const reason = `${service.service} could not be added: ${error.problem}`;
      if (reaction.kind === "stop") return stop(reaction.outcome, reaction.cause, reason);
      if (reaction.kind === "elsewhere") return stop("refused", reaction.cause, reason);
      if (tries.length >= MAX_TRIES) return stop("failed", reaction.afterwards, reason);
    }
    if (!unchecked) {
      const price = flatPrice(service);
      const left = facts.project && readMoney(facts.project.budget.available);
      const limit = [left, goal.spending.limit]
        .filter((amount) => amount !== undefined)
        .toSorted((a, b) => (a < b ? -1 : 1))[0];
      if (price === undefined)
        return stop("failed", "no_service", `The catalog has no price for ${service.service}.`);
      if (limit !== undefined && price > limit) {
        const numbers = `${service.service} costs ${writeMoney(price)}, and ${writeMoney(limit)} may be spent`;
        return stop("refused", "over_budget", `${numbers}. Nothing was bought.`);
      }
      const purchase = { what: service.service, price, provider: service.provider };
      const ruled =
        price > 0n ? maySpend({ ...purchase, isDomain: false }, goal, facts) : undefined;
      if (ruled && "step" in ruled) return ruled.step;
      if (ruled) return stop("refused", ruled.cause, `${ruled.reason}. Nothing was bought.`);
    }
    const source = { domain, name: siteName(goal), goal: goal.text };
    const { configuration, missing } = fillConfiguration(service, source);
    if (missing.length > 0) {
      return stop(
        "failed",
        "unclear_input",
        `${service.service} asks for ${missing.join(", ")}, and the goal does not say.`,
      );
    }
    const input = { service: service.service, configuration };
    return call(`Adding ${service.service}.`, { tool: "add_service", input });
  }
  if (extras.length === 0) {
    return stop(
      "failed",
      "no_service",
      "No service in the catalog is what the goal asks for. Nothing was bought.",
    );
  }
  return answer(`Added ${extras.map(({ service }) => service.service).join(", ")}.`);
}

/** Whether the project has it, as far as this conversation knows. */
export function isThere(facts: Facts, { service, domain }: Extra): boolean {
  if (domain === undefined) return hasResource(facts, service.service);
  return purchaseOf(facts, service.service, domain) === "bought";
}
