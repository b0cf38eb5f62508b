/**
 * Holds back what a library writes to a response, so that nothing reaches the buyer before it is recorded. The stock middleware
 * holds back its handler's answer in the same way, on top of this.
 */
import type { Response } from "express";

export interface CapturedResponse {
  /** Resolves when the library has ended its answer. */
  readonly ended: Promise<void>;
  /** The status and a header of the held answer. */
  readonly status: () => number;
  readonly header: (name: string) => string | undefined;
  /** The body of the held answer, so far. */
  readonly text: () => string;
  /** Sends the held answer as it is. */
  release(): void;
  /** Throws the held answer away, and hands the response back untouched. */
  discard(): void;
  /** After another answer has been sent: whatever the library still writes goes nowhere. */
  mute(): void;
}

const METHODS = ["writeHead", "write", "end", "flushHeaders"] as const;

export function captureResponse(response: Response): CapturedResponse {
  const before = new Set(response.getHeaderNames());
  const chunks: Buffer[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const keep = (chunk: unknown) => {
    if (typeof chunk === "string" || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  const held: Record<(typeof METHODS)[number], (...args: unknown[]) => unknown> = {
    writeHead: (status) => {
      response.statusCode = Number(status);
      return response;
    },
    write: (chunk) => {
      keep(chunk);
      return true;
    },
    end: (chunk) => {
      keep(chunk);
      end();
      return response;
    },
    flushHeaders: () => undefined,
  };
  for (const name of METHODS) Object.defineProperty(response, name, own(held[name]));
  // What the prototype has shows again.
  const restore = () => {
    for (const name of METHODS) Reflect.deleteProperty(response, name);
  };
  return {
    ended,
    status: () => response.statusCode,
    header: (name) => response.getHeader(name)?.toString(),
    text: () => Buffer.concat(chunks).toString(),
    mute() {
      for (const name of METHODS)
        Object.defineProperty(
          response,
          name,
          own(() => response),
        );
    },
    release() {
      restore();
      response.end(Buffer.concat(chunks));
    },
    discard() {
      restore();
      for (const name of response.getHeaderNames()) {
        if (!before.has(name)) response.removeHeader(name);
      }
      response.statusCode = 200;
    },
  };
}

function own(value: unknown): PropertyDescriptor {
  return { value, configurable: true, writable: true };
}
