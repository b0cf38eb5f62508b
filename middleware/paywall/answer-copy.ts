/** What a handler answers, as it is kept: status, the headers that are its own, and its bytes, up to a limit. */
import type { Response } from "express";
import type { StoredAnswer } from "./door.ts";

/** Of the connection or of the paywall; never kept. */
const NOT_KEPT = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "date",
  "cache-control",
  "vary",
]);

export class AnswerCopy {
  readonly #response: Response;
  readonly #before: Readonly<Record<string, unknown>>;
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #head: Pick<StoredAnswer, "status" | "headers"> | undefined;

  constructor(response: Response, before: Readonly<Record<string, unknown>>, maxBytes: number) {
    this.#response = response;
    this.#before = before;
    this.#maxBytes = maxBytes;
  }

  get isWhole(): boolean {
    return this.#size <= this.#maxBytes;
  }

  add(chunk: unknown, encoding: unknown): void {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
    const known = typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8";
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, known) : Buffer.from(chunk);
    this.#size += bytes.length;
    if (this.isWhole) this.#chunks.push(bytes);
    else this.#chunks = [];
  }

  /** Status and headers as they are now; the first time counts. */
  takeHead(): void {
    if (this.#head) return;
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(this.#response.getHeaders())) {
      if (value === undefined || value === this.#before[name] || NOT_KEPT.has(name)) continue;
      headers[name] = Array.isArray(value) ? value : String(value);
    }
    this.#head = { status: this.#response.statusCode, headers };
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  answer(): StoredAnswer {
    this.takeHead();
    const { status = 200, headers = {} } = this.#head ?? {};
    if (!this.isWhole) return { status, headers };
    const bytes = this.bytes();
    const text = bytes.toString();
    return Buffer.from(text).equals(bytes)
      ? { status, headers, text }
      : { status, headers, base64: bytes.toString("base64") };
  }
}
