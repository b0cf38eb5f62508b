/**
 * A response whose handler is late: it may still write, at any time, and nothing of that leaves. Only the paywall answers on it, through
 * `speak`. Also what lets methods of a response be replaced and put back as they were.
 */
import type { Response } from "express";

export type Call = (...args: unknown[]) => unknown;
export type OwnMethods = readonly (readonly [string, PropertyDescriptor | undefined])[];

const ALL = [
  "writeHead",
  "write",
  "end",
  "flushHeaders",
  "setHeader",
  "setHeaders",
  "appendHeader",
  "removeHeader",
];
const muted = new WeakMap<Response, OwnMethods>();

/** Whatever is called on it from now on does nothing. */
export function silence(response: Response): void {
  muted.set(response, ownMethods(response, ALL));
  for (const name of ALL) override(response, name, () => (name === "write" ? true : response));
}

/** Answers, also where a late handler still has its hands on the response. */
export function speak(response: Response, answer: () => void): void {
  const own = muted.get(response);
  if (!own) return answer();
  muted.delete(response);
  restoreMethods(response, own);
  answer();
  silence(response);
}

/** What the response itself has under these names, beside its class. */
export function ownMethods(response: Response, names: readonly string[]): OwnMethods {
  return names.map((name) => [name, Object.getOwnPropertyDescriptor(response, name)] as const);
}

export function override(response: Response, name: string, value: Call): void {
  Object.defineProperty(response, name, { value, configurable: true, writable: true });
}

export function restoreMethods(response: Response, own: OwnMethods): void {
  for (const [name, descriptor] of own) {
    if (descriptor) Object.defineProperty(response, name, descriptor);
    else Reflect.deleteProperty(response, name);
  }
}
