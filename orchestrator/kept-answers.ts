/**
 * Answers that were made of one reading of the catalog, as the bytes that are sent: thousands of services are written as JSON once and
 * not for each who asks. A new reading begins anew.
 */
import type { CatalogReading } from "./merged-catalog.ts";

/** Filters are anybody's to choose. */
const MOST = 50;

export class KeptAnswers {
  readonly #kept = new WeakMap<CatalogReading, Map<string, Buffer>>();

  /** The bytes that were made for this name, or those of `make`. */
  get(reading: CatalogReading, name: string, make: () => unknown): Buffer {
    let answers = this.#kept.get(reading);
    if (!answers) this.#kept.set(reading, (answers = new Map()));
    const kept = answers.get(name);
    if (kept) return kept;
    const bytes = Buffer.from(JSON.stringify(make()));
    if (answers.size < MOST) answers.set(name, bytes);
    return bytes;
  }
}
