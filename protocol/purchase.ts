/**
 * The identity of one logical buy. It is derived from what is bought, for whom, never from a tool call's id (which is new on
 * every attempt), so that a repeated attempt finds the first one's payment instead of making a second.
 */
import { createHash } from "node:crypto";

export interface PurchaseIdentity {
  /** The project that buys: two runs of a project that want the same thing want it once. */
  project: string;
  service: string;
  operation: string;
  inputs: Readonly<Record<string, string>>;
}

/** Such as "pur_3f…": SHA-256 over the identity in a canonical order. */
export function purchaseId({ project, service, operation, inputs }: PurchaseIdentity): string {
  const sorted = Object.entries(inputs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const canonical = JSON.stringify([project, service, operation, sorted]);
  return `pur_${createHash("sha256").update(canonical).digest("hex").slice(0, 40)}`;
}
