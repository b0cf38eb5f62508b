/**
 * What an agent's consent means at a provider. A provider knows of resources and payments; that an agent may see secrets is between the
 * person and the orchestrator.
 */
import type { AgentScope } from "../protocol/index.ts";

const AT_PROVIDER: Readonly<Record<AgentScope, readonly string[]>> = {
  account: ["account"],
  resources: ["resources:read", "resources:write"],
  credentials: ["resources:read"],
  payments: ["payments"],
};

/** Names separated by spaces, the same text for the same scopes. */
export function scopeAtProvider(scopes: readonly AgentScope[]): string {
  const names = scopes.includes("account")
    ? AT_PROVIDER.account
    : scopes.flatMap((name) => AT_PROVIDER[name]);
  return [...new Set(names)].toSorted().join(" ");
}
