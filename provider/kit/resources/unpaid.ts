/**
 * What becomes of a resource whose period is over and not renewed: for a week it goes on, marked as due; then it is suspended; a month after
 * its period it is taken away. Whoever renews it meanwhile has it as it was.
 */
import { type Provide, Pending } from "../definition.ts";
import { ProvisioningError } from "../error.ts";
import { type Lifecycle, orderOf } from "./lifecycle.ts";
import type { ResourceParts } from "./parts.ts";
import type { ResourceRecord } from "./store.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** After the period that was paid. */
const GRACE_MS = 7 * DAY_MS;
const REMOVED_MS = 30 * DAY_MS;

/** Suspends and removes what is overdue by now. What fails is tried again. */
export async function stopUnpaid(parts: ResourceParts, lifecycle: Lifecycle): Promise<void> {
  const { resources, now } = parts;
  for (const { id } of resources.listPaidUntil(now() - GRACE_MS)) {
    const stop = async () => {
      const record = resources.find(id);
      const { paidUntil } = record ?? {};
      if (record?.status !== "complete" || paidUntil === undefined) return;
      if (paidUntil + REMOVED_MS <= now()) await lifecycle.withdraw(record);
      else if (paidUntil + GRACE_MS <= now()) await suspend(record, parts);
    };
    // One that cannot be stopped now keeps no other from being stopped.
    await lifecycle.inTurn(id, stop).catch(() => undefined);
  }
}

async function suspend(
  record: ResourceRecord,
  { provider, resources, now }: ResourceParts,
): Promise<void> {
  if (record.suspendedAt !== undefined) return;
  await provider.suspend?.[record.serviceId]?.(orderOf(record));
  resources.save({ ...record, suspendedAt: now() });
}

/** Lets a suspended resource go on, before its payment moves; where the payment never comes, it is suspended again. */
export async function resume(
  record: ResourceRecord,
  { provider, resources }: Pick<ResourceParts, "provider" | "resources">,
): Promise<void> {
  if (record.suspendedAt === undefined) return;
  const by: Provide | undefined =
    provider.resume?.[record.serviceId] ?? provider.provide[record.serviceId];
  const access = await by?.(orderOf(record));
  resources.save({
    ...record,
    suspendedAt: undefined,
    ...(access === undefined || access instanceof Pending ? {} : { access }),
  });
}

/** Throws `invalid_state` for a resource that must be paid first. */
export function requirePaid({ suspendedAt }: ResourceRecord): void {
  if (suspendedAt === undefined) return;
  throw new ProvisioningError("invalid_state", {
    problem: "The resource is suspended, because its last period was not paid.",
    nextStep: "Renew it, or remove it.",
  });
}
