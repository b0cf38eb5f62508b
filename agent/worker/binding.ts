/**
 * How a Worker reaches the storage it was given: entries of its metadata's `bindings`, made from the template in the
 * catalog and the resource's access configuration, under a name that follows from the capability (`env.KV`).
 */
import type { Resource, Service } from "../../protocol/index.ts";
import { CAPABILITIES } from "../../protocol/index.ts";
import { AgentError } from "../agent-error.ts";

export type Binding = Record<string, string> & { name: string };

/** The name a Worker finds a service under: "KV" for key-value, otherwise its first capability in capitals. */
export function bindingName({ capabilities, id }: Service): string {
  if (capabilities.gives.includes(CAPABILITIES.keyValue)) return "KV";
  return (capabilities.gives[0] ?? id).toUpperCase().replace(/[^A-Z0-9]+/g, "_");
}

/** Bindings for the services in order; a second one of the same name gets a number. */
export function bindStorage(
  storage: readonly { service: Service; resource: Resource }[],
): Binding[] {
  const used = new Map<string, number>();
  return storage.map(({ service, resource }) => {
    if (!service.binding) {
      throw new AgentError("BINDING_UNKNOWN", {
        problem: `${resource.service} does not say how a Worker is bound to it.`,
        nextStep: "Deploy without it, or choose a service whose catalog entry has a binding.",
      });
    }
    const plain = bindingName(service);
    const count = (used.get(plain) ?? 0) + 1;
    used.set(plain, count);
    const entries = Object.entries(service.binding).map(([key, text]) => [
      key,
      text.replace(/\{(\w+)\}/g, (_, field: string) => accessField(resource, field)),
    ]);
    return { ...Object.fromEntries(entries), name: count === 1 ? plain : `${plain}${count}` };
  });
}

function accessField({ access, service }: Resource, field: string): string {
  const value = Object.hasOwn(access, field) ? access[field] : undefined;
  if (value !== undefined) return value;
  throw new AgentError("BINDING_UNKNOWN", {
    problem: `${service} was added without the value ${field} that its binding needs.`,
    nextStep: "Finish and say that the provider's answer is incomplete.",
  });
}
