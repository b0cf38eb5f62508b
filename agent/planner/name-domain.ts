/** A domain that the goal wants and does not name: derived from the site's name where the goal gives the extension, otherwise asked for. */
import { CAPABILITIES } from "../../protocol/index.ts";
import type { Decision } from "../models/scripted-model.ts";
import type { Facts, ServiceFact } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { readDomains, readInvalidDomain } from "./goal-domains.ts";
import { bothOf, readSpending } from "./goal-spending.ts";
import { answerTo, askHuman } from "./human-answer.ts";
import { stop } from "./step.ts";

/** The goal with its domain named, or the question that tells. */
export function nameDomain(
  goal: Goal,
  services: readonly ServiceFact[],
  facts: Facts,
): Goal | Decision {
  if (!goal.unnamedDomain) return goal;
  const { extension } = goal.unnamedDomain;
  const slug = goal.content.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  if (extension !== undefined && slug !== "") {
    const joined = slug.replaceAll("-", "");
    const names = [...new Set([joined, slug, `get-${slug}`])].map((name) => `${name}.${extension}`);
    return { ...goal, domains: { alternatives: names, onlyIfTaken: false, also: [] } };
  }
  if (!services.some(({ gives }) => gives.includes(CAPABILITIES.domain))) {
    return stop("failed", "no_service", "No provider in the catalog sells domains.");
  }
  const question = `Which domain name should ${goal.content.name} have?`;
  const answer = answerTo(facts, question);
  if (answer === undefined)
    return askHuman("The goal wants a domain and does not name it.", question);
  const domains = readInvalidDomain(answer) === undefined ? readDomains(answer) : undefined;
  // An answer may set a limit or take back the wish, as a goal may.
  if (domains) return { ...goal, domains, spending: bothOf(goal.spending, readSpending(answer)) };
  return stop(
    "refused",
    "unclear_domain",
    "The goal wants a domain, and nobody said which. Nothing was bought.",
  );
}
