/** A domain that the goal wants and does not name: derived from the site's name where the goal gives the extension, otherwise asked for. */
import { CAPABILITIES } from "../../protocol/index.ts";
import type { Decision } from "../models/scripted-model.ts";
import type { Facts, ServiceFact } from "./facts.ts";
import type { Goal } from "./goal.ts";
import { readDomains } from "./goal-domains.ts";
import { call, stop } from "./step.ts";

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
  const asked = facts.calls.findLast(({ tool }) => tool === "ask_human");
  const question = `Which domain name should ${goal.content.name} have?`;
  if (!asked)
    return call("The goal wants a domain and does not name it.", {
      tool: "ask_human",
      input: { question },
    });
  const output = asked.output as { answer?: unknown } | null | undefined;
  const domains = typeof output?.answer === "string" ? readDomains(output.answer) : undefined;
  if (domains) return { ...goal, domains };
  return stop(
    "refused",
    "unclear_goal",
    "The goal wants a domain, and nobody said which. Nothing was bought.",
  );
}
