/** A resource as the protocol writes it. */
import type { ResourceBilling, ResourceResponse } from "../../../protocol/index.ts";
import type { ResourceRecord } from "./store.ts";

export function describeResource(record: ResourceRecord, now: number): ResourceResponse {
  const { id, serviceId: service_id, access = {}, problem, needs = {} } = record;
  switch (record.status) {
    case "complete":
      return {
        status: "complete",
        id,
        service_id,
        complete: { access_configuration: access },
        ...billingPart(record, now),
      };
    case "needs_information":
      return { status: "needs_information", id, service_id, needs_information: { schema: needs } };
    case "ordered":
    case "pending":
      return { status: "pending", id, service_id };
    case "failed":
      return { status: "error", id, service_id, error: problem ?? FAILED };
    case "lapsed":
    case "removed":
      return { status: "removed", id };
    default:
      throw new Error(`a resource is in no such state: ${String(record.status satisfies never)}`);
  }
}

const FAILED = { code: "server_error", message: "It could not be provided." };

function billingPart(
  { billing, paidUntil, suspendedAt }: ResourceRecord,
  now: number,
): { billing?: ResourceBilling } {
  if (!billing) return {};
  if (paidUntil === undefined) return { billing };
  const paid_until = new Date(paidUntil).toISOString();
  const due = paidUntil <= now ? { due: true as const } : {};
  const suspended = suspendedAt === undefined ? {} : { suspended: true as const };
  return { billing: { ...billing, paid_until, ...due, ...suspended } };
}
