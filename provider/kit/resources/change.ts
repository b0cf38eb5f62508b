/**
 * Another service or configuration for a resource, as the catalog's `allowed_updates` allow. What costs more than before is sold at
 * its quote and begins a new period; what does not is done at once, and what is paid already stays paid. A change whose payment never
 * comes is undone.
 */
import { digestOf, ResourceUpdate, type Service } from "../../../protocol/index.ts";
import { type Database, migrate } from "../../../store/index.ts";
import { type Access, Pending, type Update } from "../definition.ts";
import { describeError, ENVELOPES, ProvisioningError } from "../error.ts";
import { renewMandate } from "../mandates.ts";
import type { Quoted, Ware } from "../till.ts";
import { alreadyOrdered, hashOf, isNothing, quoteUnknown } from "./create.ts";
import { describeResource } from "./describe.ts";
import { type Lifecycle, orderOf } from "./lifecycle.ts";
import { checkConfiguration, keyConflict, readBody, readKey, serviceFor } from "./order.ts";
import { bringsPayment, type Call, type ResourceParts } from "./parts.ts";
import { endOfPeriod, soldTo, type Terms, termsOf } from "./pricing.ts";
import type { ResourceRecord } from "./store.ts";
import { requirePaid } from "./unpaid.ts";

export interface Change {
  /** Of the key that it was asked for under. */
  readonly id: string;
  readonly resourceId: string;
  readonly to: { readonly serviceId: string; readonly configuration: Access };
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

interface Row {
  fingerprint: string;
  state: "held" | "done" | "lapsed";
  payment: string | null;
  resourceId: string;
  access: string | null;
}

export function openChanges(parts: ResourceParts, lifecycle: Lifecycle): Changes {
  const { database, quotes, resources, now } = parts;
  const rows = openRows(database);
  const work: (record: ResourceRecord, to: Change["to"]) => Promise<Access> = async (record, to) =>
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

/** What it costs now and would cost, or `update_not_allowed`. */
export function checkChange(
  record: ResourceRecord,
  to: Change["to"],
  parts: ResourceParts,
): { terms: Terms; from: Terms } {
  const { services, provider } = parts;
  if (record.status !== "complete") {
    throw new ProvisioningError("invalid_state", {
      problem: "Only a resource that is complete can be changed.",
      nextStep: "Ask after it first.",
    });
  }
  requirePaid(record);
  const before = serviceFor(record.serviceId, { services, functions: provider.provide });
  const after = serviceFor(to.serviceId, { services, functions: provider.provide });
  if (!isAllowed(before, after, provider)) {
    throw new ProvisioningError("update_not_allowed", {
      problem: `A ${before.id} cannot become a ${after.id}.`,
      nextStep: "Use a service of the catalog's allowed_updates, or add another resource.",
    });
  }
  checkConfiguration(after, to.configuration);
  const whole = (values: Access) => ({ ...values, ...record.information });
  return {
    terms: termsOf(soldTo(after, record, parts), whole(to.configuration), provider),
    from: termsOf(soldTo(before, record, parts), whole(record.configuration), provider),
  };
}

function isAllowed(
  before: Service,
  after: Service,
  { update }: ResourceParts["provider"],
): boolean {
  if (before.id === after.id) return update !== undefined && Object.hasOwn(update, before.id);
  return before.allowed_updates?.some(({ service }) => service === after.id) === true;
}

/** Compared as decimal text of the same currency: what is due before a period. */
export function costsMore(terms: Terms, from: Terms): boolean {
  if (isNothing(terms.upfront)) return false;
  const [a, b] = [terms.upfront, from.upfront].map((amount) => {
    const [whole = "", fraction = ""] = amount.split(".");
    return BigInt(whole + fraction.padEnd(6, "0"));
  });
  return a! > b!;
}

function updaterOf(record: ResourceRecord, to: Change["to"], { provider }: ResourceParts): Update {
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

function openRows(database: Database) {
  migrate(database, "resource-changes", [
    `CREATE TABLE resource_change (
       id TEXT PRIMARY KEY, resource_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('held', 'done', 'lapsed')), payment TEXT, access TEXT
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX resource_change_by_state ON resource_change (state, resource_id)`,
  ]);
  const columns =
    "SELECT id, fingerprint, state, payment, resource_id AS resourceId, access FROM resource_change";
  const byId = database.query<Row>(`${columns} WHERE id = ?`);
  const held = database.query<Row>(`${columns} WHERE state = 'held' AND resource_id = ?`);
  const lapsed = database.query<Row & { id: string }>(`${columns} WHERE state = 'lapsed'`);
  return {
    find: (id: string) => byId.get(id),
    openOf: (resourceId: string) => held.get(resourceId),
    lapsed: () => lapsed.all(),
    save: (
      id: string,
      row: Pick<Row, "fingerprint" | "state" | "resourceId"> & { payment?: string },
    ) =>
      database.run(
        `INSERT INTO resource_change VALUES (?, ?, ?, ?, ?, NULL)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, payment = excluded.payment`,
        id,
        row.resourceId,
        row.fingerprint,
        row.state,
        row.payment ?? null,
      ),
    keepAccess: (id: string, access: Access) =>
      database.run(
        "UPDATE resource_change SET access = ? WHERE id = ?",
        JSON.stringify(access),
        id,
      ),
    accessOf: (id: string) => {
      const kept = byId.get(id)?.access;
      return typeof kept === "string" ? (JSON.parse(kept) as Access) : undefined;
    },
    mark: (id: string, state: Row["state"]) =>
      database.run("UPDATE resource_change SET state = ? WHERE id = ?", state, id),
    delete: (id: string) => database.run("DELETE FROM resource_change WHERE id = ?", id),
  };
}
