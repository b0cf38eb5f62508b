/**
 * How a resource comes to be and ends: the provider's own functions, each asked until it has done its part. A resource is worked on by
 * one caller at a time. What was paid and cannot be provided is made good; what was provided and never paid is withdrawn.
 */
import { Turns } from "../../../middleware/turns.ts";
import { Pending, type Provide, type ProvisionOrder } from "../definition.ts";
import { errorPart, ProvisioningError } from "../error.ts";
import type { ResourceParts } from "./parts.ts";
import type { ResourceRecord } from "./store.ts";

export interface Lifecycle {
  /** One at a time for each resource. */
  inTurn<T>(id: string, work: () => Promise<T>): Promise<T>;
  /** Asks the provider's function, and says what became of the record; keeps nothing. */
  ask(record: ResourceRecord, by: Provide): Promise<ResourceRecord>;
  /** Goes on with one that is pending, and keeps what came of it. */
  refresh(record: ResourceRecord): Promise<ResourceRecord>;
  /** Takes it away, and keeps that. */
  withdraw(record: ResourceRecord): Promise<void>;
  /** Withdraws what lapsed and goes on with what is pending, as far as that can be done now. */
  recover(): Promise<void>;
}

export function openLifecycle(parts: ResourceParts): Lifecycle {
  const { provider, resources, till } = parts;
  const turns = new Turns();
  const ask = async (record: ResourceRecord, by: Provide): Promise<ResourceRecord> => {
    const access = await by(orderOf(record));
    if (access instanceof Pending) {
      return { ...record, status: "pending", retryAfterSeconds: access.retryAfterSeconds };
    }
    return { ...record, status: "complete", access, retryAfterSeconds: undefined };
  };
  const refresh = async (record: ResourceRecord): Promise<ResourceRecord> => {
    const by = provider.provide[record.serviceId];
    if (record.status !== "pending" || !by) return record;
    let next: ResourceRecord;
    try {
      next = await ask(record, by);
    } catch (error) {
      if (!(error instanceof ProvisioningError)) throw error;
      if (record.sale) await till.makeGood(record.sale);
      next = { ...record, status: "failed", problem: errorPart(error) };
    }
    resources.save(next);
    return next;
  };
  const withdraw = async (record: ResourceRecord): Promise<void> => {
    await provider.withdraw?.[record.serviceId]?.(orderOf(record));
    // What never was bought leaves its key free for another try.
    if (record.status === "lapsed") resources.delete(record.id);
    else resources.save({ ...record, status: "removed", access: {} });
  };
  const again = (id: string, work: (record: ResourceRecord) => Promise<unknown>) =>
    turns.take(id, async () => {
      const record = resources.find(id);
      if (record) await work(record);
    });
  return {
    inTurn: (id, work) => turns.take(id, work),
    ask,
    refresh,
    withdraw,
    recover: async () => {
      for (const { id } of resources.listByStatus("lapsed"))
        await again(id, async (record) => {
          if (record.status === "lapsed") await withdraw(record);
        });
      for (const { id } of resources.listByStatus("pending")) await again(id, refresh);
    },
  };
}

/** As the provider's functions are asked. */
export function orderOf({
  id,
  accountId,
  configuration,
  information,
}: ResourceRecord): ProvisionOrder {
  return { id, accountId, configuration: { ...configuration, ...information } };
}
