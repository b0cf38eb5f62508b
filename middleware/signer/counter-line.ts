/**
 * The lines of a counter's file: a record as JSON, a space, and its seal. A record names the tip, a hash over all lines before
 * it that its writer had read, so that a line which was changed or taken out shows at the next one. The seal's key comes from
 * the wallet's own, so nobody without the wallet's key can write a line.
 */
import type { Hex } from "viem";
import type { Hmac } from "../../protocol/one-shot-hmac.ts";
import type { Claim } from "./counter.ts";

export type CounterRecord =
  | {
      readonly type: "counter";
      readonly network: string;
      readonly asset: string;
      readonly address: string;
    }
  | { readonly type: "claim"; readonly tip: string; readonly claim: Claim }
  /** The line before this one was cut off by a crash before it was durable, and means nothing. */
  | { readonly type: "torn" };

/** 16 bytes as hexadecimal text: of a line its seal, of all lines their tip. */
export function hashOf(hmac: Hmac, text: string): string {
  return hmac(text, "hex").slice(0, 32);
}

export function writeLine(hmac: Hmac, record: CounterRecord): string {
  const json = JSON.stringify(
    record.type === "claim" ? { ...record, claim: writeClaim(record.claim) } : record,
  );
  return `${json} ${hashOf(hmac, json)}`;
}

/** The record of a line, or undefined when the line is not what was written. */
export function readLine(hmac: Hmac, line: string): CounterRecord | undefined {
  const json = line.slice(0, -33);
  if (line.slice(-33) !== ` ${hashOf(hmac, json)}`) return undefined;
  const record = JSON.parse(json) as CounterRecord;
  return record.type === "claim" ? { ...record, claim: readClaim(record.claim) } : record;
}

function writeClaim(claim: Claim) {
  const { amount, maxPerProviderMonth, maxPerMonth } = claim;
  return {
    ...claim,
    amount: `${amount}`,
    maxPerProviderMonth: `${maxPerProviderMonth}`,
    maxPerMonth: `${maxPerMonth}`,
  };
}

/** Whoever wrote the seal wrote the fields: they need no further check. */
function readClaim(fields: { [Name in keyof Claim]: unknown }): Claim {
  return {
    at: Number(fields.at),
    nonce: String(fields.nonce) as Hex,
    terms: String(fields.terms),
    provider: String(fields.provider),
    amount: BigInt(String(fields.amount)),
    maxPerProviderMonth: BigInt(String(fields.maxPerProviderMonth)),
    maxPerMonth: BigInt(String(fields.maxPerMonth)),
  };
}
