/** What a person is told of a resource that is billed from period to period, and of a period that could not be paid. */
import type { Resource } from "../../protocol/index.ts";
import type { NamedResource } from "./project-state.ts";

/** What this very resource costs, such as "2.50 USD/month"; undefined where its provider bills nothing. */
export function billedText({ billing }: Resource): string | undefined {
  if (!billing) return undefined;
  const { amount, currency, interval, unit } = billing;
  const per = [unit, interval === "one_time" ? undefined : interval].filter(Boolean);
  return [`${amount} ${currency.toUpperCase()}`, ...per].join("/");
}

/** Such as "2026-12-28"; with the reason where the next period is not paid. */
export function paidUntilText({ billing }: Resource): string {
  const { paid_until, renewal_problem } = billing ?? {};
  if (paid_until === undefined) return "";
  const day = paid_until.slice(0, 10);
  return renewal_problem === undefined ? day : `${day}, not renewed (${renewal_problem})`;
}

/** A warning for each renewal that failed, and the command that pays it. */
export function failedRenewals(
  named: readonly NamedResource[],
  tool: string,
): { warnings: string[]; nextSteps: string[] } {
  const failed = named.filter(({ resource }) => resource.billing?.renewal_problem !== undefined);
  return {
    warnings: failed.map(({ name, resource: { id, service, billing } }) => {
      const { paid_until = "", renewal_problem, suspended = false } = billing ?? {};
      const now = suspended ? "its provider has suspended it" : "its provider waits for some days";
      return `The next period of ${name} (${service}, ${id}) could not be paid: ${renewal_problem}. It is paid until ${paid_until}, and ${now}. See to the cause, or pay it with \`${tool} renew ${id}\`.`;
    }),
    nextSteps: failed.map(({ resource }) => `${tool} renew ${resource.id}`),
  };
}
