/** Whether a domain can be had, and for how much, by its registrar's own word, which is asked for once. */
import { type DomainCheck, type Facts, failuresInARow, purchaseOf } from "./facts.ts";
import { maxOf, readMoney } from "./price.ts";
import { reactTo } from "./reaction.ts";
import type { Ask, Ruling } from "./ruling.ts";
import type { DomainPart } from "./stack.ts";
import { call, stop } from "./step.ts";

const MAX_TRIES = 3;

/** The part with the price that will really be asked, or what to do about it. */
export function checkPart(part: DomainPart, facts: Facts): DomainPart | Ask | Ruling {
  const { service, domain } = part;
  const state = purchaseOf(facts, service.service, domain);
  // What is ours, or soon may be, the registrar calls taken.
  if (state !== "none" || !service.operations.includes("check")) return part;
  const checks = facts.checks.filter(
    (check) => check.service === service.service && check.domain === domain,
  );
  const check = checks.at(-1);
  if (!check) return askFor(part);
  if (check.call.error) return afterFailedCheck(part, check, facts);
  if (!check.available) {
    return { cause: "domain_taken", reason: `${domain} is not available at ${service.provider}` };
  }
  return {
    ...part,
    price: check.price === undefined ? part.price : maxOf(part.price, readMoney(check.price)),
  };
}

function askFor({ service, domain }: DomainPart): Ask {
  return {
    step: call(`Is ${domain} available at ${service.provider}?`, {
      tool: "check_domain",
      input: { service: service.service, domain },
    }),
  };
}

function afterFailedCheck(
  part: DomainPart,
  { call: { error } }: DomainCheck,
  facts: Facts,
): Ask | Ruling {
  const reaction = error ? reactTo(error) : undefined;
  const reason = `${part.domain} could not be checked at ${part.service.provider}: ${error?.problem}`;
  if (reaction?.kind === "stop") return { step: stop(reaction.outcome, reaction.cause, reason) };
  if (reaction?.kind === "again" && failuresInARow(facts.calls, "check_domain") < MAX_TRIES)
    return askFor(part);
  return { cause: reaction?.kind === "elsewhere" ? reaction.cause : "other", reason };
}
