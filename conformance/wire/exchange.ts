/** A request as it was put on the wire and the answer as it came back, byte for byte: the evidence that a verdict rests on. */
export type HeaderLine = readonly [name: string, value: string];

export interface WireRequest {
  readonly method: string;
  /** The request target as written, which need not be a well-formed path. */
  readonly path: string;
  /** In order, in their own case, doubles kept. */
  readonly headers: readonly HeaderLine[];
  readonly body: string | undefined;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  /** UTF-8; at most `BODY_LIMIT` bytes of it. */
  readonly body: string;
  readonly truncated: boolean;
}

export interface Exchange {
  /** Its place in the report, from 0; -1 where it is one of so many that it is not kept. */
  readonly index: number;
  readonly origin: string;
  readonly request: WireRequest;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly ms: number;
  /** Undefined where no whole answer came. */
  readonly answer: WireAnswer | undefined;
  /** Why none came, such as `ECONNRESET` or `DEADLINE`. */
  readonly failure: string | undefined;
}

/** More of an answer than this is not kept. */
export const BODY_LIMIT = 1024 * 1024;

/** Every value of a header, in order. */
export function headerValues(message: { headers: readonly HeaderLine[] }, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers
    .filter(([header]) => header.toLowerCase() === wanted)
    .map(([, value]) => value);
}

/** A header's values as one, joined as HTTP allows, or undefined. */
export function headerOf(
  message: { headers: readonly HeaderLine[] },
  name: string,
): string | undefined {
  const values = headerValues(message, name);
  return values.length === 0 ? undefined : values.join(", ");
}
