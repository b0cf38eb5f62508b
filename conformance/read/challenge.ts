/**
 * What an unpaid answer asks for, read leniently: only enough to look at it. Whether it is right is for the cases to say, and a
 * strict reader would hide what they look for. Every value here is as the server wrote it.
 */
import type { Profile } from "../case.ts";
import type { WireAnswer } from "../wire/exchange.ts";
import { isObject, type JsonObject } from "./json.ts";
import { readMpp } from "./mpp.ts";
import { readX402V1, readX402V2 } from "./x402.ts";

/** One way to pay, of any protocol, as far as it could be read. */
export interface OfferedTerms {
  /** The entry as written. */
  readonly raw: JsonObject;
  readonly scheme: unknown;
  readonly network: unknown;
  readonly amount: unknown;
  readonly asset: unknown;
  readonly payTo: unknown;
}

export interface ReadChallenge {
  readonly profile: Profile;
  /** The whole challenge; for MPP the parameters of its first `Payment` scheme. */
  readonly value: JsonObject;
  /** The JSON text that it was read from, where there is one. */
  readonly text: string;
  /** As written, not only objects. */
  readonly entries: readonly unknown[];
  readonly offers: readonly OfferedTerms[];
}

export type ChallengeReading =
  | { readonly challenge: ReadChallenge; readonly problem?: undefined }
  | { readonly challenge?: undefined; readonly problem: string };

const READERS = { "x402-v2": readX402V2, "x402-v1": readX402V1, mpp: readMpp } as const;

export function readChallenge(answer: WireAnswer, profile: Profile): ChallengeReading {
  const read = READERS[profile](answer);
  if (typeof read === "string") return { problem: read };
  const { value, text, entries, offers } = read;
  return { challenge: { profile, value, text, entries, offers: offers.filter(hasRaw) } };
}

function hasRaw({ raw }: OfferedTerms): boolean {
  return isObject(raw);
}
