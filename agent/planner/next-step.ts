/**
 * The plan: a list of stages, each of which either has something to do now or lets the next one speak. What has been done is
 * read from the conversation, so a planner that is asked again in a new process goes on where the last one stopped.
 */
import type { Decision } from "../models/scripted-model.ts";
import { answerQuestion } from "./answer.ts";
import { acquireExtras, findExtras, isThere } from "./extras.ts";
import { choose, type ChooseOptions } from "./choose.ts";
import { deployAndVerify } from "./deploy.ts";
import { type Facts, failuresInARow, gatherFacts, hasResource, purchaseOf } from "./facts.ts";
import { type Goal, readGoal } from "./goal.ts";
import { readExtensions } from "./goal-domains.ts";
import type { History } from "./history.ts";
import { fillConfiguration } from "./configuration.ts";
import { nameDomain } from "./name-domain.ts";
import { nameFolder } from "./name-folder.ts";
import { obeyedOrders } from "./naive.ts";
import { preferredServices } from "./preference.ts";
import { siteName } from "./site-name.ts";
import type { Stack } from "./stack.ts";
import { call, stop, type ToolCall } from "./step.ts";

export interface PlannerOptions {
  /** A calibration agent: obeys what catalog texts order, and does not look at the budget. */
  naive?: boolean;
}

const MAX_TRIES = 3;

export function nextStep(history: History, { naive = false }: PlannerOptions = {}): Decision {
  const facts = gatherFacts(history.calls);
  const read = readGoal(history.goal);
  if (read.invalidDomain !== undefined) {
    const problem = `"${read.invalidDomain}" is written like a domain and is not a valid one.`;
    return stop("refused", "unclear_domain", `${problem} Nothing was bought.`);
  }
  if (read.kind === "unclear") {
    return stop(
      "failed",
      "unclear_goal",
      "The planner found nothing in the goal that it knows how to build or to look up.",
    );
  }
  const goal = nameFolder(read, facts);
  if ("calls" in goal) return goal;
  const known = discover(goal, facts);
  if ("calls" in known) return known;
  const { services } = known;
  if (goal.kind === "question") return answerQuestion(goal, services, facts);
  const orders = naive ? obeyedOrders(services, goal) : [];
  const extras = [...findExtras(goal, services), ...orders];
  if (goal.kind === "buy" && !goal.domains && !goal.unnamedDomain)
    return acquireExtras(extras, goal, facts);
  const named = nameDomain(goal, services, facts);
  if ("calls" in named) return named;
  return build(named, preferredServices(goal, services), extras, facts, { ignoresBudget: naive });
}

/** Reads the catalog and the project, both at once. */
function discover(
  goal: Goal,
  facts: Facts,
): Decision | { services: NonNullable<Facts["services"]> } {
  const calls: ToolCall[] = [];
  const hostnames = goal.domains ? [...goal.domains.alternatives, ...goal.domains.also] : [];
  if (!facts.services) {
    const interesting = hostnames.length > 0 ? hostnames : anyNames(goal);
    const input = interesting.length > 0 ? { domains: interesting } : {};
    calls.push({ tool: "search_catalog", input });
  }
  if (!facts.project && goal.kind !== "question")
    calls.push({ tool: "look_at_project", input: {} });
  if (goal.folder !== undefined && !folderSeen(facts)) {
    calls.push({ tool: "look_at_folder", input: { folder: goal.folder } });
  }
  if (facts.services && calls.length === 0) return { services: facts.services };
  for (const { tool } of calls) {
    if (failuresInARow(facts.calls, tool) < MAX_TRIES) continue;
    const error = facts.calls.findLast((past) => past.tool === tool)?.error;
    return stop(
      "failed",
      "other",
      `${tool} failed: ${error?.problem ?? "its result cannot be read"}`,
    );
  }
  const folder = facts.calls.findLast(({ tool }) => tool === "look_at_folder");
  if (folder?.error)
    return stop("failed", "unclear_folder", `${folder.error.problem} Nothing was bought.`);
  return call("First, what is on offer, and what is already there.", ...calls);
}

/** Names of no meaning under the extensions that the goal speaks of, so that their prices are listed. */
function anyNames({ text }: Goal): string[] {
  return readExtensions(text).map((extension) => `name.${extension}`);
}

function folderSeen({ calls }: Facts): boolean {
  return calls.some(({ tool, error }) => tool === "look_at_folder" && !error);
}

function build(
  goal: Goal,
  services: NonNullable<Facts["services"]>,
  extras: ReturnType<typeof findExtras>,
  facts: Facts,
  options: ChooseOptions,
): Decision {
  const choice = choose(goal, services, facts, options);
  if ("step" in choice) return choice.step;
  const { stack, passedOver } = choice;
  const missing = toAcquire(stack, goal, facts);
  if ("text" in missing) return missing;
  if (missing.calls.length > 0)
    return call(`Adding what the site needs from ${stack.provider}.`, ...missing.calls);
  if (extras.some((extra) => !isThere(facts, extra))) return acquireExtras(extras, goal, facts);
  if (goal.kind === "buy") {
    const names = stack.domains.map(({ domain }) => domain).join(" and ");
    return call("Done.", {
      tool: "finish",
      input: { outcome: "answered", answer: [`${names} is registered.`, ...passedOver].join(" ") },
    });
  }
  return deployAndVerify(goal, stack, facts, passedOver);
}

/**
 * What is still to be added: what is free first and the domains last, so that money moves only when everything else is there.
 * One paid call a step: what came of it decides about the next.
 */
function toAcquire(stack: Stack, goal: Goal, facts: Facts): Decision | { calls: ToolCall[] } {
  const name = siteName(goal);
  const plain = [
    ...stack.support,
    ...[stack.hosting, stack.storage].filter((part) => part !== undefined),
  ];
  const calls: ToolCall[] = [];
  for (const service of plain) {
    if (hasResource(facts, service.service)) continue;
    const { configuration, missing } = fillConfiguration(service, { name, goal: goal.text });
    if (missing.length > 0) return unanswered(service.service, missing);
    calls.push({ tool: "add_service", input: { service: service.service, configuration } });
  }
  if (calls.length > 0) return { calls };
  for (const { service, domain } of stack.domains) {
    if (purchaseOf(facts, service.service, domain) === "bought") continue;
    const { configuration, missing } = fillConfiguration(service, {
      domain,
      name,
      goal: goal.text,
    });
    if (missing.length > 0) return unanswered(service.service, missing);
    return { calls: [{ tool: "add_service", input: { service: service.service, configuration } }] };
  }
  return { calls: [] };
}

function unanswered(service: string, fields: string[]): Decision {
  const list = fields.join(", ");
  return stop("failed", "unclear_input", `${service} asks for ${list}, and the goal does not say.`);
}
