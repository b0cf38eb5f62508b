/**
 * Another service or configuration for a resource, as the catalog's `allowed_updates` allow. What costs more than before is sold at
 * its quote and begins a new period; what does not is done at once, and what is paid already stays paid. A change whose payment never
 * comes is undone.
 */
import { digestOf, ResourceUpdate } from "../../../protocol/index.ts";
import { type Access, Pending, type Update } from "../definition.ts";
import { describeError, ENVELOPES, ProvisioningError } from "../error.ts";
import { renewMandate } from "../mandates.ts";
import type { Quoted, Ware } from "../till.ts";
import { openChangeRows } from "./change-rows.ts";
import { type Becoming, checkChange, costsMore } from "./checked-change.ts";
import { alreadyOrdered, hashOf, quoteUnknown } from "./create.ts";
import { describeResource } from "./describe.ts";
import { type Lifecycle, orderOf } from "./lifecycle.ts";
import { keyConflict, readBody, readKey } from "./order.ts";
import { bringsPayment, type Call, type ResourceParts } from "./parts.ts";
import { checkPayable } from "./payable.ts";
import { endOfPeriod } from "./pricing.ts";
import type { ResourceRecord } from "./store.ts";

export interface Change {
  /** Of the key that it was asked for under. */
  readonly id: string;
  readonly resourceId: string;
  readonly to: Becoming;
  readonly billing: ResourceRecord["billing"];
  readonly quoteId: string;
  readonly fingerprint: string;
}

export interface Changes {
  /** Has it made, or says what must be paid first. */
  change(
    call: Call,
    record: ResourceRecord,
  ): Promise<ResourceRecord | (() => Promise<Quoted<Change>>)>;
  ware(quote: Ware<Change>["quote"]): Ware<Change>;
  /** Undoes what was changed and never paid. */
  recover(): Promise<void>;
}

export function openChanges(parts: ResourceParts, lifecycle: Lifecycle): Changes {
  const { database, quotes, resources, now } = parts;
  const rows = openChangeRows(database);
  const work: (record: ResourceRecord, to: Becoming) => Promise<Access> = async (record, to) =>
    updaterOf(record, to, parts)(orderOf(record), to);

  return {
    change: async (call, record) => {
      const { connection, request } = call;
      const order = readBody(ResourceUpdate, call.body);
      const key = readKey(request);
      const { service_id: serviceId, configuration = record.configuration } = order;
      await renewMandate(order.mandate, call, parts);
      const id = `chg_${hashOf([record.id, key])}`;
      const fingerprint = digestOf(JSON.stringify([serviceId, order.configuration ?? null]));
      return lifecycle.inTurn(record.id, async () => {
        const row = rows.find(id);
        if (row && row.fingerprint !== fingerprint) throw keyConflict();
        const current = resources.find(record.id)!;
        if (row?.state === "done") {
          if (!bringsPayment(request)) return current;
          // The till knows the payment that made it, and answers it as before; any other buys nothing.
          return () => Promise.reject(alreadyOrdered());
        }
        const { terms, from } = checkChange(current, { serviceId, configuration }, parts);
        const to = { serviceId, configuration };
        const { billing } = terms;
        if (!costsMore(terms, from)) {
          const access = await work(current, to);
          const next: ResourceRecord = { ...current, ...to, access, billing };
          database.transaction(() => {
            resources.save(next);
            rows.save(id, { fingerprint, state: "done", resourceId: record.id });
          });
          return next;
        }
        checkPayable(call);
        const { quote_id, quote_hash } = order;
        if (quote_id !== undefined && !quotes.isOf(quote_id, connection)) throw quoteUnknown();
        return async () => {
          const of = { purpose: "update", resource_id: record.id, quote_id, quote_hash } as const;
          const asked = { ...of, service_id: serviceId, configuration };
          const said = quotes.check(asked, connection);
          const priced = { service: serviceId, amount: said.amount, description: said.description };
          const change = { id, resourceId: record.id, to, billing, quoteId: said.id, fingerprint };
          return { connection, inputs: {}, priced, order: change };
        };
      });
    },
    ware: (quote) => ({
      name: "resource-changes",
      quote,
      refuse: (error) => describeError(error, ENVELOPES.status),
      hold: ({ order, payment }) => {
        quotes.use(order.quoteId, payment);
        const other = rows.openOf(order.resourceId);
        if (other && other.payment !== payment) throw alreadyOrdered();
        const { fingerprint, resourceId } = order;
        rows.save(order.id, { fingerprint, state: "held", payment, resourceId });
      },
      prepare: ({ order }) =>
        lifecycle.inTurn(order.resourceId, async () => {
          const access = await work(resources.find(order.resourceId)!, order.to);
          rows.keepAccess(order.id, access);
        }),
      deliver: ({ order, sale }) => {
        const before = resources.find(order.resourceId)!;
        const access = rows.accessOf(order.id) ?? before.access;
        const { billing } = order;
        const paidUntil = billing && endOfPeriod(billing.interval ?? "one_time", now());
        const next: ResourceRecord = { ...before, ...order.to, access, billing, paidUntil, sale };
        resources.save(next);
        rows.mark(order.id, "done");
        return { status: 200, body: describeResource(next, now()) };
      },
      release: ({ order, payment }) => {
        quotes.giveBack(order.quoteId, payment);
        rows.mark(order.id, "lapsed");
      },
    }),
    recover: async () => {
      for (const { id, resourceId } of rows.lapsed()) {
        await lifecycle.inTurn(resourceId, async () => {
          const record = resources.find(resourceId);
          // Whatever it was changed to, it is told again what it is.
          if (record?.status === "complete") {
            const access = await work(record, record);
            resources.save({ ...record, access });
          }
          rows.delete(id);
        });
      }
    },
  };
}

function updaterOf(record: ResourceRecord, to: Becoming, { provider }: ResourceParts): Update {
  const own = provider.update?.[record.serviceId];
  if (own) return own;
  return async (order, { configuration }) => {
    const access = await provider.provide[to.serviceId]!({ ...order, configuration });
    if (access instanceof Pending) {
      throw new ProvisioningError("invalid_state", {
        problem: "The change takes longer than a request.",
        nextStep: "Add another resource, and remove this one.",
      });
    }
    return access;
  };
}
