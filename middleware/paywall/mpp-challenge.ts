/**
 * The challenge of an MPP 402. Its id is bound to the challenge and to the request (method, URL, body) that met it, so none needs to
 * be kept, and a payment for one request is none for another; and each id is new, because it becomes the payment's nonce. Those that
 * one second asks for the same thing are written together. (draft-httpauth-payment-01, "Challenge Binding"; draft-evm-charge-00)
 */
import { randomUUID } from "node:crypto";
import { type Bound, drawIds, idAt, IDS } from "./challenge-id.ts";
import { PAYMENT_SCHEME } from "./presented-payment.ts";
import type { Visit } from "./visit.ts";

export interface MppOptions {
  /** Secret; the same in every process of the seller's. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly newId: () => string;
}

export const METHOD = "evm";
export const INTENT = "charge";
const MAX_SHEETS = 256;

/** Challenges of one second that differ only in their ids. */
interface Sheet {
  readonly charge: string;
  readonly realm: string;
  readonly header: string;
  readonly ids: string;
  /** How many of them are given away. */
  used: number;
  /** What stands between the id and the number of its `opaque`. */
  readonly text: string;
}

export class MppChallenges {
  readonly #options: MppOptions;
  #expires = { second: Number.NaN, text: "" };
  /** Of this second, by the request's identity. */
  readonly #sheets = new Map<string, Sheet>();

  constructor(options: MppOptions) {
    this.#options = options;
  }

  /** The value of `WWW-Authenticate`, for a `request` that `offerTexts` wrote. */
  write(charge: string, visit: Visit): string {
    const expires = this.#expiryOf(visit);
    const { realm, identity } = visit;
    const header = otherHeader(visit);
    let sheet = this.#sheets.get(identity);
    if (
      sheet?.charge !== charge ||
      sheet.realm !== realm ||
      sheet.header !== header ||
      sheet.used >= IDS
    ) {
      sheet = this.#newSheet({ realm, request: charge, expires, header, identity });
      if (this.#sheets.size >= MAX_SHEETS) this.#sheets.clear();
      this.#sheets.set(identity, sheet);
    }
    const at = sheet.used++;
    return `Payment id="${idAt(sheet.ids, at)}${sheet.text}${at}"`;
  }

  #newSheet(bound: Omit<Bound, "series">): Sheet {
    const { realm, request, expires } = bound;
    const { key, newId } = this.#options;
    const series = newId();
    const header = bound.header && `, header="${bound.header}"`;
    return {
      charge: request,
      realm,
      header: bound.header,
      ids: drawIds(key, { ...bound, series }),
      used: 0,
      text: `", realm="${realm.replace(/[\\"]/g, "\\$&")}", method="${METHOD}", intent="${INTENT}", request="${request}", expires="${expires}"${header}, opaque="${series}-`,
    };
  }

  /** In whole seconds, so that what is asked within one is told the same. */
  #expiryOf({ asked }: Visit): string {
    const second = Math.floor(this.#options.now() / 1000 + asked.maxTimeoutSeconds);
    if (this.#expires.second !== second) {
      this.#sheets.clear();
      const text = new Date(second * 1000).toISOString().replace(".000", "");
      this.#expires = { second, text };
    }
    return this.#expires.text;
  }
}

/** Each of these is new, in this process and in any other. */
export function newIds(): () => string {
  const ours = randomUUID();
  let count = 0;
  return () => `${ours}-${(count += 1)}`;
}

/** Where the request's `Authorization` is taken, the credential comes in a header of its own. */
function otherHeader({ request }: Visit): string {
  const { authorization = "" } = request.headers;
  return authorization === "" || PAYMENT_SCHEME.test(authorization) ? "" : "Payment-Authorization";
}
