/** Group E, second part: payments that can be parsed, and must not be believed. */
import type { Case } from "../case.ts";
import { coreV2, policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { encodePayment, type Draft } from "../pay/payment.ts";
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
    title: "JSON that is very deep or very wide is refused",
    level: "policy",
    basis: policy(
      "One request must not hold the server up; two values of one key must not both be believed.",
    ),
    mend: "Limit the header's size before you parse it.",
    cwe: 400,
    run: (context) =>
      refusesHeaders(context, (offer) => ({
        "JSON 5000 deep": encodePayment(
          offer,
          context.profile,
          "[".repeat(5000) + "]".repeat(5000),
        ),
        "2000 keys": encodePayment(
          offer,
          context.profile,
          JSON.stringify(Object.fromEntries(Array.from({ length: 700 }, (_, at) => [`k${at}`, 1]))),
        ),
      })),
  },
  {
    ...common,
    id: "MALF-14",
    title: "Keys that JavaScript gives a meaning change nothing",
    level: "policy",
    basis: policy("A payment that reaches Object.prototype changes every later check."),
    mend: "Never merge the parsed payment into another object.",
    cwe: 1321,
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
    run(context) {
      const bad: Record<string, Bad[string]> = {};
      // The exact scheme of version 1 allows hexadecimal.
      const hex = context.profile === "x402-v1" ? [] : ["0x2710"];
      for (const value of [...hex, "1e4", "10000.0", " 10000", "٣", "-1", ""])
        bad[`value ${JSON.stringify(value)}`] = without(
          (draft) => void (draft["payload"].authorization.value = value),
        );
      return refusesAll(context, bad);
    },
  },
];
