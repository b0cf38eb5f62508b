/**
 * Keeps the run's secrets out of what the model and the trace see, even where a stranger's answer repeats one of them back:
 * every secret value that the run has held is replaced, wherever it turns up in an output.
 */
import { Secret } from "../protocol/index.ts";

/** Shorter values would take ordinary words with them; no real token is shorter. */
const MIN_LENGTH = 12;

export class Scrubber {
  readonly #values = new Set<string>();

  /** Remembers a secret and hands it back. */
  hold(secret: Secret): Secret {
    const value = secret.reveal();
    if (value.length >= MIN_LENGTH) {
      this.#values.add(value);
      this.#values.add(encodeURIComponent(value));
    }
    return secret;
  }

  text(text: string): string {
    let clean = text;
    for (const value of this.#values) clean = clean.replaceAll(value, "[secret]");
    return clean;
  }

  /** A copy of a JSON value without the secrets, in its texts and in its field names. */
  scrub<T>(value: T): T {
    if (typeof value === "string") return this.text(value) as T;
    if (Array.isArray(value)) return value.map((item: unknown) => this.scrub(item)) as T;
    if (value instanceof Secret) return value.toString() as T;
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.text(key), this.scrub(item as unknown)]),
    ) as T;
  }
}
