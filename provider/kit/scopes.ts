/** What an agent may be allowed at a provider. A token carries some of these, and never more than the owner of the account consented to. */
export const SCOPES = {
  account: "act for the account: add, change, pay for and remove services",
  "resources:read": "look at its services",
  "resources:write": "add, change and remove services, where they are free",
  payments: "pay for services, within the project's cap",
} as const;

export type Scope = keyof typeof SCOPES;

export const SCOPE_NAMES = Object.keys(SCOPES) as readonly Scope[];

/** What is meant where nothing is asked for. */
export const DEFAULT_SCOPE: Scope = "account";

const IMPLIED: Readonly<Record<Scope, readonly Scope[]>> = {
  account: SCOPE_NAMES,
  "resources:read": ["resources:read"],
  "resources:write": ["resources:write", "resources:read"],
  payments: ["payments", "resources:read"],
};

/** Whether what was granted, separated by spaces, is enough for all that is needed. */
export function covers(granted: string, needed: string): boolean {
  const allowed = new Set<string>(
    granted.split(" ").flatMap((name) => (isScope(name) ? IMPLIED[name] : [])),
  );
  return needed.split(" ").every((name) => allowed.has(name));
}

export function isScope(name: string): name is Scope {
  return Object.hasOwn(SCOPES, name);
}
