/**
 * Chooses what to buy: for each domain that the goal allows, in its order, the cheapest stack that is affordable and whose
 * domain can be had. It asks for what it does not know yet, and says why where nothing is left.
 */
import type { Cause } from "../finish.ts";
import type { Decision } from "../models/scripted-model.ts";
import { checkPart } from "./check-part.ts";
import { cheaperElsewhere } from "./cheaper-elsewhere.ts";
import { type Facts, hasResource, purchaseOf, type ServiceFact } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { maySpend, type Purchase } from "./may-spend.ts";
import { overBudget } from "./over-budget.ts";
import { reactTo } from "./reaction.ts";
import type { Ask, Ruling } from "./ruling.ts";
import { stop } from "./step.ts";
import { type DomainPart, findStacks, type Stack, stackPrice } from "./stack.ts";

/** `passedOver` says which cheaper offers were not taken, and why. */
export type Choice = { stack: Stack; passedOver: string[] } | Ask;

export interface ChooseOptions {
  /** The naive agent does not compare prices with what may be spent. */
  ignoresBudget?: boolean | undefined;
}

const MAX_TRIES = 3;

export function choose(
  goal: Goal,
  services: readonly ServiceFact[],
  facts: Facts,
  options: ChooseOptions = {},
): Choice {
  const rulings: Ruling[] = [];
  const { alternatives, also, onlyIfTaken } = goal.domains ?? {
    alternatives: [],
    also: [],
    onlyIfTaken: false,
  };
  const wishes = alternatives.length > 0 ? alternatives.map((name) => [name, ...also]) : [[]];
  for (const hostnames of wishes) {
    const before = rulings.at(-1);
    if (before && onlyIfTaken && before.cause !== "domain_taken") break;
    const stacks = findStacks(services, needsOf(goal, hostnames));
    if (stacks.length === 0) rulings.push(nothingFor(goal, hostnames, services));
    for (const stack of stacks) {
      const ruled = judge(stack, goal, facts, options);
      if ("step" in ruled) return ruled;
      if ("stack" in ruled)
        return { ...ruled, passedOver: cheaperElsewhere(ruled.stack, services, rulings) };
      rulings.push({ ...ruled, provider: stack.provider });
    }
  }
  return { step: giveUp(rulings, facts) };
}

function needsOf(goal: Goal, hostnames: string[]) {
  const site = goal.kind === "site";
  return { hostnames, hosting: site, storage: site && goal.storage !== undefined };
}

/** The stack if it will do, the next step that tells, or why it is ruled out. */
function judge(
  stack: Stack,
  goal: Goal,
  facts: Facts,
  options: ChooseOptions,
): { stack: Stack } | Ask | Ruling {
  const failed = failureOf(stack, facts);
  if (failed) return failed;
  const purchase = openPurchase(stack, facts);
  const barred = purchase && maySpend(purchase, goal, facts);
  if (barred && "cause" in barred) return barred;
  if (!options.ignoresBudget) {
    const tooDear = overBudget(stack, goal, facts);
    if (tooDear) return tooDear;
  }
  if (barred) return barred;
  const priced: DomainPart[] = [];
  for (const part of stack.domains) {
    const checked = checkPart(part, facts);
    if ("step" in checked || "cause" in checked) return checked;
    priced.push(checked);
  }
  const known = { ...stack, domains: priced };
  return (options.ignoresBudget ? undefined : overBudget(known, goal, facts)) ?? { stack: known };
}

/** What is still to be bought of a stack; a payment that has begun is not yet a purchase. */
function openPurchase(stack: Stack, facts: Facts): Purchase | undefined {
  const domains = stack.domains.filter(
    ({ service, domain }) => purchaseOf(facts, service.service, domain) !== "bought",
  );
  const parts = [stack.hosting, stack.storage, ...stack.support].filter(
    (service) => service && !service.free && !hasResource(facts, service.service),
  );
  if (domains.length === 0 && parts.length === 0) return undefined;
  const names = domains.map(({ domain }) => domain).join(" and ");
  return {
    what: names || parts.flatMap((part) => part?.service ?? []).join(" and "),
    price: stackPrice({ ...stack, domains }),
    provider: stack.provider,
    isDomain: domains.length > 0,
  };
}

/** An error that this stack's services have already met. */
function failureOf(stack: Stack, facts: Facts): Ask | Ruling | undefined {
  const wanted = new Map<string, string | undefined>();
  for (const service of [stack.hosting, stack.storage, ...stack.support]) {
    if (service) wanted.set(service.service, undefined);
  }
  for (const { service, domain } of stack.domains) wanted.set(service.service, domain);
  for (const [service, domain] of wanted) {
    const tries = facts.additions.filter(
      (addition) =>
        addition.service === service &&
        (domain === undefined || Object.values(addition.configuration).includes(domain)),
    );
    const error = tries.at(-1)?.call.error;
    if (!error) continue;
    const reaction = reactTo(error);
    const reason = `${service}${domain === undefined ? "" : ` for ${domain}`} could not be added: ${error.problem}`;
    if (reaction.kind === "stop") return { step: stop(reaction.outcome, reaction.cause, reason) };
    if (reaction.kind === "elsewhere") {
      const taken = reaction.cause === "domain_taken" && domain === undefined;
      return { cause: taken ? "other" : reaction.cause, reason };
    }
    const failures = tries.length - 1 - tries.findLastIndex(({ call }) => !call.error);
    if (failures >= MAX_TRIES) return { step: stop("failed", reaction.afterwards, reason) };
  }
  return undefined;
}

function nothingFor(goal: Goal, hostnames: string[], services: readonly ServiceFact[]): Ruling {
  const wanted = [
    ...(goal.kind === "site" ? ["hosting"] : []),
    ...(goal.kind === "site" && goal.storage ? ["storage for it"] : []),
    ...hostnames.map((hostname) => `the domain ${hostname}`),
  ];
  const known =
    services.length === 0 ? "The catalog is empty" : "No provider in the catalog offers all of";
  return { cause: "no_service", reason: `${known}: ${wanted.join(", ")}` };
}

/** Most telling first: what the person can change by a word comes before what a provider did. */
const ORDER: readonly Cause[] = [
  "purchase_forbidden",
  "domain_owned",
  "unclear_spending",
  "offer_refused",
  "over_budget",
  "domain_taken",
  "no_service",
];

function giveUp(rulings: Ruling[], facts: Facts): Decision {
  const cause = ORDER.find((known) => rulings.some((ruling) => ruling.cause === known)) ?? "other";
  const reasons = [...new Set(rulings.map(({ reason }) => reason.replace(/\.$/, "")))].join("; ");
  const bought = facts.additions.some(
    ({ call: { error, output } }) => !error && hasPayment(output),
  );
  const outcome = cause === "other" || cause === "no_service" ? "failed" : "refused";
  return stop(outcome, cause, `${reasons}.${bought ? "" : " Nothing was bought."}`);
}

function hasPayment(output: unknown): boolean {
  return output !== null && typeof output === "object" && "payment" in output;
}
