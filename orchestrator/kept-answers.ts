/**
 * Answers that were made of one reading of the catalog, as the bytes that are sent: thousands of services are written as JSON once and
 * not for each who asks. A new reading begins anew; whoever has the same list already is told that, and sent nothing.
 */
import { createHash } from "node:crypto";
import type { CatalogReading } from "./merged-catalog.ts";

/** Filters are anybody's to choose. */
const MOST = 50;

/** JSON that is ready to be sent. */
export class KeptAnswer {
  readonly bytes: Buffer;
  /** The same for the same list (RFC 9110, section 8.8.3, weak): when it was read is no part of it. */
  readonly etag: string;

  constructor(body: { data: object }) {
    this.bytes = Buffer.from(JSON.stringify(body));
    const { last_updated: _when, source: _whence, ...list } = body.data as Record<string, unknown>;
    const text = JSON.stringify({ ...body, data: list });
    this.etag = `W/"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
  }
}

export class KeptAnswers {
  readonly #kept = new WeakMap<CatalogReading, Map<string, KeptAnswer>>();

  /** The answer that was made for this name, or that of `make`. */
  get(reading: CatalogReading, name: string, make: () => { data: object }): KeptAnswer {
    let answers = this.#kept.get(reading);
    if (!answers) this.#kept.set(reading, (answers = new Map()));
    const kept = answers.get(name);
    if (kept) return kept;
    const answer = new KeptAnswer(make());
    if (answers.size < MOST) answers.set(name, answer);
    return answer;
  }
}
