/** Money before anything else: what is still to be paid must fit the run's budget, the provider's cap and the goal's own limit. */
import { type Facts, purchaseOf } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { maxOf, readMoney, writeMoney } from "./price.ts";
import type { Ruling } from "./ruling.ts";
import { type DomainPart, type Stack, stackPrice } from "./stack.ts";

/** Why the stack costs too much, with the numbers, or undefined. */
export function overBudget(stack: Stack, goal: Goal, facts: Facts): Ruling | undefined {
  const open = ({ service, domain }: DomainPart) =>
    purchaseOf(facts, service.service, domain) === "none";
  const unpaid = { ...stack, domains: stack.domains.filter(open) };
  const price = stackPrice(unpaid);
  if (price === 0n) return undefined;
  const what =
    unpaid.domains.map(({ domain }) => domain).join(" and ") || (stack.hosting?.service ?? "it");
  const { limit } = goal.spending;
  const rule = (most: bigint, words: string): Ruling => ({
    cause: "over_budget",
    reason: `${what} costs ${writeMoney(price)} at ${stack.provider}, and ${words} ${writeMoney(most)}`,
  });
  if (limit !== undefined && price > limit) return rule(limit, "the goal allows");
  const { budget, spend } = facts.project ?? {};
  const left = budget && readMoney(budget.available);
  if (left !== undefined && price > left) return rule(left, "the budget has left");
  const cap = spend?.find(({ provider }) => provider === stack.provider);
  const room = cap && readMoney(cap.cap) - readMoney(cap.spent) - readMoney(cap.reserved);
  if (room !== undefined && price > room)
    return rule(maxOf(room, 0n), "the provider's cap has left");
  return undefined;
}
