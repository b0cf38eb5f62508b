/**
 * An ordinary handler's answer, held back or listened to. Before settlement nothing may leave; after it a good answer may stream,
 * but its end waits for the record. Whatever other middleware put on the response before stays as it was.
 */
import type { Response } from "express";
import type { StoredAnswer } from "./door.ts";
import { AnswerCopy } from "./answer-copy.ts";
import { type Call, override, ownMethods, restoreMethods, silence } from "./muted-response.ts";

export interface HoldOptions {
  readonly response: Response;
  /** Of the copy. */
  readonly maxBytes: number;
  /** How long the handler may take to end its answer, or to let it begin to stream. */
  readonly timeoutMs: number;
  /** Where a good answer may leave as it is written: called before its first byte does. */
  readonly onStream?: (() => void) | undefined;
}

export interface HeldResponse {
  /** "broken" where the buyer has gone and the handler does not end its answer; "late" where its time is over. */
  readonly ended: Promise<"ended" | "broken" | "late">;
  /** Whether a part of it has left. */
  readonly hasStreamed: () => boolean;
  /** Whether all of it could be copied. */
  readonly isWhole: () => boolean;
  /** What the handler answered. */
  readonly answer: () => StoredAnswer;
  /** Sends what is held, as it is. */
  release(): void;
  /** Throws what is held away, and hands the response back as it came. */
  discard(): void;
  /** The same for a handler that is late: it may still write, and nothing of that ever leaves. See `speak`. */
  mute(): void;
}

const METHODS = ["writeHead", "write", "end", "flushHeaders"] as const;
type Method = (typeof METHODS)[number];

/** How long a handler may take to end an answer that nobody waits for. */
const GONE_MS = 30_000;

export function holdResponse({
  response,
  maxBytes,
  timeoutMs,
  onStream,
}: HoldOptions): HeldResponse {
  const headersBefore = response.getHeaders();
  const copy = new AnswerCopy(response, headersBefore, maxBytes);
  const { promise: ended, resolve } = Promise.withResolvers<"ended" | "broken" | "late">();
  let isOver = false;
  let hasStreamed = false;
  const original = Object.fromEntries(
    METHODS.map((name) => [name, (response[name] as Call).bind(response)]),
  ) as Record<Method, Call>;
  const own = ownMethods(response, METHODS);
  const restore = () => restoreMethods(response, own);
  const discard = () => {
    restore();
    for (const name of response.getHeaderNames()) {
      if (!(name in headersBefore)) response.removeHeader(name);
    }
    for (const [name, value] of Object.entries(headersBefore)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.statusCode = 200;
  };
  const mayLeave = () => {
    if (!onStream || isOver || response.statusCode >= 400 || response.destroyed) return false;
    if (!hasStreamed) {
      copy.takeHead();
      onStream();
    }
    hasStreamed = true;
    clearTimeout(deadline);
    return true;
  };
  const deadline = setTimeout(() => {
    isOver = true;
    resolve("late");
  }, timeoutMs).unref();
  const held: Record<Method, Call> = {
    writeHead: (status, ...rest) => {
      // Node writes the head of a stream by this name too.
      if (hasStreamed) return original.writeHead(status, ...rest);
      if (isOver) return response;
      response.statusCode = Number(status);
      const headers = rest.find((part) => typeof part === "object" && part !== null);
      for (const [name, value] of headerPairs(headers)) response.setHeader(name, value);
      return response;
    },
    write: (chunk, ...rest) => {
      if (isOver) return true;
      copy.add(chunk, rest[0]);
      if (mayLeave()) return original.write(chunk, ...rest);
      callBack(rest);
      return true;
    },
    end: (...args) => {
      if (isOver) return response;
      const [chunk, encoding] = args;
      copy.add(chunk, encoding);
      copy.takeHead();
      // The end of a stream waits for the record; what it brings may go, and what cannot be kept has to.
      const isData = typeof chunk === "string" || chunk instanceof Uint8Array;
      if (isData && (hasStreamed || !copy.isWhole) && mayLeave()) original.write(chunk, encoding);
      isOver = true;
      clearTimeout(deadline);
      callBack(args);
      resolve("ended");
      return response;
    },
    flushHeaders: () => (mayLeave() ? original.flushHeaders() : undefined),
  };
  for (const name of METHODS) override(response, name, held[name]);
  response.once("close", () => {
    clearTimeout(deadline);
    if (!isOver) setTimeout(resolve, GONE_MS, "broken").unref();
  });
  return {
    ended,
    hasStreamed: () => hasStreamed,
    isWhole: () => copy.isWhole,
    answer: () => copy.answer(),
    release() {
      restore();
      if (hasStreamed) response.end();
      else response.end(copy.bytes());
    },
    discard,
    mute() {
      discard();
      silence(response);
    },
  };
}

function callBack(args: readonly unknown[]): void {
  const callback = args.find((arg) => typeof arg === "function");
  if (callback) process.nextTick(callback);
}

/** `writeHead` takes an object, a list of pairs, or a flat list. */
function headerPairs(headers: unknown): [string, string | string[]][] {
  if (!Array.isArray(headers)) return Object.entries((headers ?? {}) as Record<string, string>);
  if (Array.isArray(headers[0])) return headers as [string, string][];
  const flat = headers as string[];
  const pairs: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at] ?? "", flat[at + 1] ?? ""]);
  return pairs;
}
