/** Fills in what a service asks to be told, from the goal: the domain, a name, a default, a choice that the goal names. */
import { domainInputs } from "../domain-name.ts";
import type { ServiceFact } from "./facts.ts";

export interface ConfigurationSource {
  /** The name to buy, for a service that gives domains. */
  domain?: string | undefined;
  /** A short name of what is being built, such as "nimbus-coffee". */
  name: string;
  goal: string;
}

/** The configuration, or the names of the fields that the goal does not answer. */
export function fillConfiguration(
  service: ServiceFact,
  source: ConfigurationSource,
): { configuration: Record<string, string>; missing: string[] } {
  const configuration: Record<string, string> = {};
  const missing: string[] = [];
  for (const field of service.configuration) {
    const value = valueOf(field, source, service);
    if (value !== undefined) configuration[field.name] = value;
    else if (field.required) missing.push(field.name);
  }
  return { configuration, missing };
}

function valueOf(
  { name, required, choices, default: fallback }: ServiceFact["configuration"][number],
  { domain, name: projectName, goal }: ConfigurationSource,
  service: ServiceFact,
): string | undefined {
  if (domain !== undefined) {
    const known = domainInputs(domain);
    if (Object.hasOwn(known, name)) return known[name];
    // A single field of a service that sells domains is the domain, whatever it is called.
    const wanted = service.configuration.filter((field) => field.required);
    if (required && wanted.length === 1 && !choices) return domain;
  }
  const words = goal.toLowerCase().split(/[^\w-]+/);
  const named = choices?.find((choice) => words.includes(choice.toLowerCase()));
  if (named !== undefined) return named;
  if (!required) return undefined;
  if (fallback !== undefined) return fallback;
  if (choices) return choices[0];
  return /^(name|title|label|project|project_name)$/i.test(name) ? projectName : undefined;
}
