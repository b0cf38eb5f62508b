/** The providers that the goal itself asks for or rules out by name: "on acme", "not from acme". Everything else is open. */
import type { ServiceFact } from "./facts.ts";
import type { Goal } from "./goal.ts";

const WITH = "(?:on|at|with|from|via|through|using|by|use)";
const WITHOUT =
  "(?:not|never|without|except|avoid|instead of)(?:\\s+(?:on|at|with|from|via|using|by))?";

export function preferredServices(
  goal: Goal,
  services: readonly ServiceFact[],
): readonly ServiceFact[] {
  const allowed = services.filter((service) => !isNamed(goal, service, WITHOUT));
  const asked = allowed.filter((service) => isNamed(goal, service, WITH));
  return asked.length > 0 ? asked : allowed;
}

/** Whether the goal names the provider of a service as the one to use. */
export function isAskedFor(goal: Goal, service: ServiceFact): boolean {
  return isNamed(goal, service, WITH) && !isNamed(goal, service, WITHOUT);
}

/** Shorter ids are words that any goal may hold by chance. */
const MIN_LENGTH = 3;

/** A provider's id counts, never the display name: that may be any words, such as ones that many goals hold. */
function isNamed(goal: Goal, { provider }: ServiceFact, word: string): boolean {
  if (provider.length < MIN_LENGTH) return false;
  const name = provider.replaceAll("-", "[- ]?");
  // "on nimbus.dev" does not name a provider called nimbus.
  return new RegExp(`\\b${word}\\s+(?:the\\s+)?${name}(?![\\w-]|\\.\\w)`, "i").test(goal.text);
}
