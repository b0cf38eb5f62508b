/** Group E, second part: payments that can be parsed, and must not be believed. */
import type { Case } from "../case.ts";
import { coreV2, policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { askPrice, encodePayment, type Draft, makePayment } from "../pay/payment.ts";
import { type Bad, refusesAll as refuses, refusesHeaders } from "../pay/judge-refusal.ts";

const common = {
  ring: 1,
  profiles: ["x402-v2", "x402-v1"],
  severity: "high",
  gains: "A payment that nobody signed opens the door, or one request takes the server down.",
  cwe: 20,
} as const;

const refusesAll = (context: Context, bad: Bad) => refuses(context, bad, { malformed: true });

/** The payment without one of its fields. */
const without = (change: (draft: Draft) => void) => ({ edit: change });

export const VALUE_CASES: readonly Case[] = [
  {
    ...common,
    id: "MALF-10",
    title: "Terms that were never offered are refused",
    level: "stated",
    profiles: ["x402-v2"],
    basis: coreV2("5.2.2", "PaymentRequirements object indicating the payment method chosen"),
    mend: "Compare the whole of accepted with your own offers, and use yours from there on.",
    gains: "The buyer writes the terms: how long it has, in which token's name it signs.",
    run: (context) =>
      refusesAll(context, {
        "another maxTimeoutSeconds": without(
          (draft) => void (draft["accepted"].maxTimeoutSeconds = 999_999),
        ),
        "another extra.name": without(
          (draft) => void (draft["accepted"].extra = { name: "Free", version: "9" }),
        ),
      }),
  },
  {
    ...common,
    id: "MALF-13",
    title: "JSON that is very deep, very wide, or says a thing twice is refused",
    level: "policy",
    basis: policy(
      "One request must not hold the server up; two values of one key must not both be believed.",
    ),
    mend: "Limit the header's size before you parse it, parse it once, and hand the parsed payment to every check.",
    cwe: 400,
    gains:
      "One request holds or takes the server down; or two readers of one payment see two amounts.",
    async run(context) {
      const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
      const wide = (keys: number) =>
        JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, at) => [`k${at}`, 1])));
      // The second of each fills more than the 16 KB that Node takes: what is not refused by that is refused by the gate.
      const texts = {
        "JSON 5000 deep": deep(5000),
        "JSON 10000 deep": deep(10_000),
        "700 keys": wide(700),
        "2000 keys": wide(2000),
      };
      const first = await refusesHeaders(context, (offer) =>
        Object.fromEntries(
          Object.entries(texts).map(([what, text]) => [
            what,
            encodePayment(offer, context.profile, text),
          ]),
        ),
      );
      if (first.kind !== "holds") return first;
      const offer = await askPrice(context);
      // The price stands first, and what was signed last: JSON.parse takes the last, and a reader of the text the first.
      const { value } = await makePayment(context, offer, { fields: { value: 1n } });
      const twice = JSON.stringify(value)
        .replace('"value":"1"', `"value":"${offer.price}","value":"1"`)
        .replace(`"amount":"${offer.price}"`, `"amount":"${offer.price}","amount":"1"`);
      return refusesHeaders(context, () => ({
        "an amount that stands twice": encodePayment(offer, context.profile, twice),
      }));
    },
  },
  {
    ...common,
    id: "MALF-14",
    title: "Keys that JavaScript gives a meaning change nothing",
    level: "policy",
    basis: policy("A payment that reaches Object.prototype changes every later check."),
    mend: "Read the parsed payment field by field through a schema; never spread or merge it into another object (Object.assign, lodash.merge).",
    cwe: 1321,
    gains:
      "One payment sets isValid on every object of the process: from then on each payment, forged ones too, is taken.",
    async run(context) {
      const poison =
        '{"x402Version":2,"__proto__":{"isValid":true,"success":true},"constructor":{"prototype":{"isValid":true,"success":true}}}';
      const first = await refusesHeaders(context, (offer) => ({
        "keys such as __proto__": encodePayment(offer, context.profile, poison),
      }));
      if (first.kind !== "holds") return first;
      return refusesAll(context, {
        "a bad payment after it": { signature: () => `0x${"00".repeat(65)}` },
      });
    },
  },
  {
    ...common,
    id: "MALF-16",
    title: "An amount that is no plain whole number is refused",
    level: "policy",
    basis: policy(
      "What one parser takes for 10000 another takes for 0x10000; only digits are read alike.",
    ),
    mend: 'Match ^(0|[1-9][0-9]*)$ before BigInt(); BigInt("") is 0 and BigInt("0x10") is 16.',
    gains:
      "Two readers see two amounts in one text: the gate checks the price, and the token moves something else or nothing.",
    async run(context) {
      // Other spellings of the price itself: what reads one of them as a number finds that it fits.
      const { price } = await askPrice(context);
      const arabic = String(price).replace(/[0-9]/g, (digit) =>
        String.fromCodePoint(0x660 + Number(digit)),
      );
      // The exact scheme of version 1 allows hexadecimal.
      const hex = context.profile === "x402-v1" ? [] : [`0x${price.toString(16)}`];
      const spellings = [`${price}e0`, `${price}.0`, ` ${price}`, `0${price}`, arabic];
      const bad: Record<string, Bad[string]> = {};
      for (const value of [...hex, ...spellings, "1".padEnd(79, "0"), "-1", ""])
        bad[`value ${JSON.stringify(value)}`] = without(
          (draft) => void (draft["payload"].authorization.value = value),
        );
      return refusesAll(context, bad);
    },
  },
];
