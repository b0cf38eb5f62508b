/**
 * Chooses what to buy: for each domain that the goal allows, in its order, the cheapest stack that is affordable and whose
 * domain can be had. It asks for what it does not know yet, and says why where nothing is left.
 */
import type { Cause } from "../finish.ts";
import type { Decision } from "../models/scripted-model.ts";
import {
  type DomainCheck,
  type Facts,
  failuresInARow,
  purchaseOf,
  type ServiceFact,
} from "./facts.ts";
import type { Goal } from "./goal.ts";
import { readMoney, writeMoney } from "./price.ts";
import { reactTo } from "./reaction.ts";
import { call, stop } from "./step.ts";
import { type DomainPart, findStacks, type Stack, stackPrice } from "./stack.ts";

type Ask = { step: Decision };
export type Choice = { stack: Stack } | Ask;

export interface ChooseOptions {
  /** The naive agent does not compare prices with what may be spent. */
  ignoresBudget?: boolean | undefined;
}

/** Why a possibility was ruled out. */
interface Ruling {
  cause: Cause;
  reason: string;
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
      if ("stack" in ruled) return ruled;
      rulings.push(ruled);
    }
  }
  return { step: giveUp(rulings, facts) };
}

function needsOf(goal: Goal, hostnames: string[]) {
  const site = goal.kind === "site";
  return { hostnames, hosting: site, storage: site && goal.storage !== undefined };
}

/** The stack if it will do, the next step that tells, or why it is ruled out. */
function judge(stack: Stack, goal: Goal, facts: Facts, options: ChooseOptions): Choice | Ruling {
  const failed = failureOf(stack, facts);
  if (failed) return failed;
  if (!options.ignoresBudget) {
    const tooDear = overBudget(stack, goal, facts);
    if (tooDear) return tooDear;
  }
  const priced: DomainPart[] = [];
  for (const part of stack.domains) {
    const checked = checkPart(part, facts);
    if ("step" in checked || "cause" in checked) return checked;
    priced.push(checked);
  }
  const known = { ...stack, domains: priced };
  return (options.ignoresBudget ? undefined : overBudget(known, goal, facts)) ?? { stack: known };
}

/** An error that this stack's services have already met. */
function failureOf(stack: Stack, facts: Facts): Choice | Ruling | undefined {
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

/** The part with the price that will really be asked, or what to do about it. */
function checkPart(part: DomainPart, facts: Facts): DomainPart | Ask | Ruling {
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
    price: check.price === undefined ? part.price : max(part.price, readMoney(check.price)),
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

/** Compares what is still to be paid with the run's budget, the provider's cap and the goal's own limit. */
function overBudget(stack: Stack, goal: Goal, facts: Facts): Ruling | undefined {
  const open = ({ service, domain }: DomainPart) =>
    purchaseOf(facts, service.service, domain) === "none";
  const unpaid = { ...stack, domains: stack.domains.filter(open) };
  const price = stackPrice(unpaid);
  if (price === 0n) return undefined;
  const what =
    unpaid.domains.map(({ domain }) => domain).join(" and ") || (stack.hosting?.service ?? "it");
  const rule = (limit: bigint, words: string): Ruling => ({
    cause: "over_budget",
    reason: `${what} costs ${writeMoney(price)} at ${stack.provider}, and ${words} ${writeMoney(limit)}`,
  });
  if (goal.limit !== undefined && price > goal.limit) return rule(goal.limit, "the goal allows");
  const { budget, spend } = facts.project ?? {};
  const left = budget && readMoney(budget.available);
  if (left !== undefined && price > left) return rule(left, "the budget has left");
  const cap = spend?.find(({ provider }) => provider === stack.provider);
  const room = cap && readMoney(cap.cap) - readMoney(cap.spent) - readMoney(cap.reserved);
  if (room !== undefined && price > room) return rule(max(room, 0n), "the provider's cap has left");
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
const ORDER: readonly Cause[] = ["offer_refused", "over_budget", "domain_taken", "no_service"];

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

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
