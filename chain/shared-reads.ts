/**
 * A read that is under way answers everybody who asks for the same meanwhile. Payments that were settled in one transaction are proven
 * together, and its receipt, which grows with them, is then fetched and read once. Nothing is kept: whoever comes later asks anew.
 */
import type { PublicClient } from "viem";

const underWay = new WeakMap<PublicClient, Map<string, Promise<unknown>>>();

/** `key` names what `read` reads of the client's chain, and stands for nothing else. */
export function shared<T>(client: PublicClient, key: string, read: () => Promise<T>): Promise<T> {
  let reads = underWay.get(client);
  if (!reads) underWay.set(client, (reads = new Map()));
  const known = reads.get(key);
  if (known) return known as Promise<T>;
  const reading = read().finally(() => reads.delete(key));
  reads.set(key, reading);
  return reading;
}
