/** The results of tools, as far as the planner uses them. What does not have the expected shape is no fact. */
import { z } from "zod";
import type { PastCall } from "./history.ts";

const PriceFact = z.object({
  amount: z.string(),
  currency: z.string(),
  interval: z.string(),
  when: z.record(z.string(), z.string()).optional(),
});

const ServiceFact = z.object({
  service: z.string(),
  provider: z.string(),
  gives: z.array(z.string()),
  needs: z.array(z.string()),
  free: z.boolean(),
  prices: z.array(PriceFact),
  configuration: z.array(
    z.object({
      name: z.string(),
      required: z.boolean(),
      choices: z.array(z.string()).optional(),
      default: z.string().optional(),
    }),
  ),
  operations: z.array(z.string()),
  untrusted_text: z.object({ provider_name: z.string(), description: z.string() }),
});
export type ServiceFact = z.output<typeof ServiceFact>;

const ProjectFact = z.object({
  budget: z.object({ total: z.string(), available: z.string() }),
  resources: z.array(
    z.object({
      service: z.string(),
      status: z.string(),
      configuration: z.record(z.string(), z.string()),
    }),
  ),
  purchases: z.array(
    z.object({ service: z.string(), inputs: z.record(z.string(), z.string()), state: z.string() }),
  ),
  spend: z.array(
    z.object({ provider: z.string(), cap: z.string(), spent: z.string(), reserved: z.string() }),
  ),
});
type ProjectFact = z.output<typeof ProjectFact>;

const AddInput = z.object({ service: z.string(), configuration: z.record(z.string(), z.string()) });
const CheckInput = z.object({ service: z.string(), domain: z.string() });
const CheckOutput = z.object({
  available: z.boolean(),
  price: z.object({ amount: z.string() }).nullable(),
});

/** A call to add a service, and how it went. */
interface Addition {
  service: string;
  configuration: Record<string, string>;
  call: PastCall;
}

export interface DomainCheck {
  service: string;
  domain: string;
  call: PastCall;
  available: boolean;
  /** What the provider asks now, where it said so. */
  price: string | undefined;
}

export interface Facts {
  calls: readonly PastCall[];
  services: readonly ServiceFact[] | undefined;
  project: ProjectFact | undefined;
  additions: readonly Addition[];
  checks: readonly DomainCheck[];
}

export function gatherFacts(calls: readonly PastCall[]): Facts {
  const searched = lastOutput(calls, "search_catalog");
  return {
    calls,
    services: z.object({ services: z.array(ServiceFact) }).safeParse(searched).data?.services,
    project: ProjectFact.safeParse(lastOutput(calls, "look_at_project")).data,
    additions: calls.flatMap((call) => {
      const input = call.tool === "add_service" ? AddInput.safeParse(call.input).data : undefined;
      return input ? [{ ...input, call }] : [];
    }),
    checks: calls.flatMap((call) => {
      const input =
        call.tool === "check_domain" ? CheckInput.safeParse(call.input).data : undefined;
      if (!input) return [];
      const output = CheckOutput.safeParse(call.output).data;
      return [
        { ...input, call, available: output?.available ?? false, price: output?.price?.amount },
      ];
    }),
  };
}

function lastOutput(calls: readonly PastCall[], tool: string): unknown {
  return calls.findLast((call) => call.tool === tool && !call.error)?.output;
}

/** How often a tool has failed in a row, up to now. */
export function failuresInARow(calls: readonly PastCall[], tool: string): number {
  let failures = 0;
  for (const call of calls.toReversed()) {
    if (call.tool !== tool) continue;
    if (!call.error) break;
    failures += 1;
  }
  return failures;
}

/**
 * How far the buying of a thing such as a domain is: `bought` for sure, `begun` when a payment may be on its way (buying it
 * again finishes that, and its price is set aside already), or `none`.
 */
export function purchaseOf(
  facts: Facts,
  service: string,
  value: string,
): "bought" | "begun" | "none" {
  const has = (inputs: Record<string, string>) => Object.values(inputs).includes(value);
  const tries = facts.additions.filter(
    (addition) => addition.service === service && has(addition.configuration),
  );
  const states = (facts.project?.purchases ?? [])
    .filter((purchase) => purchase.service === service && has(purchase.inputs))
    .map(({ state }) => state);
  if (states.includes("settled") || tries.some(({ call }) => !call.error)) return "bought";
  return tries.length > 0 || states.some((state) => state !== "released") ? "begun" : "none";
}

/** Whether the project has a resource of a service. */
export function hasResource(facts: Facts, service: string): boolean {
  const there = facts.project?.resources.some(
    (resource) => resource.service === service && resource.status === "complete",
  );
  return (
    there ||
    facts.additions.some((addition) => addition.service === service && !addition.call.error)
  );
}
