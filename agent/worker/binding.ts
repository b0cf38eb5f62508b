/**
 * How a Worker reaches the storage it was given: entries of its metadata's `bindings`, made from the template in the
 * catalog and the resource's access configuration, under a name that follows from the capability (`env.KV`). Values that are
 * secrets are fetched by their handle only to be sent back to the provider that issued them.
 */
import type { Resource, Secret, Service } from "../../protocol/index.ts";
import { CAPABILITIES } from "../../protocol/index.ts";
import { AgentError } from "../agent-error.ts";

export type Binding = Record<string, string> & { name: string };

export interface BindingOptions {
  storage: readonly { service: Service; resource: Resource }[];
  /** The provider that the Worker is uploaded to. */
  provider: string;
  reveal: (handle: string) => Promise<Secret>;
}

/** Bindings for the services in order; a second one of the same name gets a number. */
export async function bindStorage({
  storage,
  provider,
  reveal,
}: BindingOptions): Promise<Binding[]> {
  const used = new Map<string, number>();
  const bindings: Binding[] = [];
  for (const { service, resource } of storage) {
    if (!service.binding || !resource.service.startsWith(`${provider}/`)) {
      throw new AgentError("BINDING_UNKNOWN", {
        problem: `The catalog does not say how a Worker at ${provider} is bound to ${resource.service}.`,
        nextStep: `Deploy without it, or choose a storage service of ${provider}.`,
      });
    }
    const plain = bindingName(service);
    const count = (used.get(plain) ?? 0) + 1;
    used.set(plain, count);
    const entries: [string, string][] = [];
    for (const [key, template] of Object.entries(service.binding)) {
      entries.push([key, await fill(template, resource, reveal)]);
    }
    bindings.push({
      ...Object.fromEntries(entries),
      name: count === 1 ? plain : `${plain}${count}`,
    });
  }
  return bindings;
}

/** The name a Worker finds a service under: "KV" for key-value, otherwise its first capability in capitals. */
function bindingName({ capabilities, id }: Service): string {
  if (capabilities.gives.includes(CAPABILITIES.keyValue)) return "KV";
  return (capabilities.gives[0] ?? id).toUpperCase().replace(/[^A-Z0-9]+/g, "_");
}

async function fill(
  template: string,
  { access, service }: Resource,
  reveal: BindingOptions["reveal"],
): Promise<string> {
  let filled = "";
  let end = 0;
  for (const match of template.matchAll(/\{(\w+)\}/g)) {
    const field = match[1] ?? "";
    const value = Object.hasOwn(access, field) ? access[field] : undefined;
    if (value === undefined) {
      throw new AgentError("BINDING_UNKNOWN", {
        problem: `${service} was added without the value ${field} that its binding needs.`,
        nextStep: "Finish and say that the provider's answer is incomplete.",
      });
    }
    filled += template.slice(end, match.index);
    filled += value.startsWith("cred:") ? (await reveal(value)).reveal() : value;
    end = match.index + match[0].length;
  }
  return filled + template.slice(end);
}
