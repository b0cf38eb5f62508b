/** Group E: headers that are no payment at all. The specification says 400; 402 with a fresh challenge does no harm (ERR-01 tells). */
import type { Case } from "../case.ts";
import { coreV2, httpV2 } from "../basis.ts";
import type { Context } from "../context.ts";
import { encodePayment, headerFor, type Draft } from "../pay/payment.ts";
import { type Bad, refusesAll as refuses, refusesHeaders } from "../pay/judge-refusal.ts";

const common = {
  ring: 1,
  profiles: ["x402-v2", "x402-v1"],
  severity: "high",
  gains: "A payment that nobody signed opens the door, or one request takes the server down.",
  cwe: 20,
} as const;

const invalid = httpV2(
  "Error Handling",
  "Invalid Payment | 400 | Malformed payment payload or requirements",
);
const mend =
  "Parse the header with a schema inside try/catch before anything else, and answer 400.";

const refusesAll = (context: Context, bad: Bad) => refuses(context, bad, { malformed: true });

/** The payment without one of its fields. */
const without = (change: (draft: Draft) => void) => ({ edit: change });

export const MALFORMED_CASES: readonly Case[] = [
  {
    ...common,
    id: "MALF-01",
    title: "A header that is not base64 is refused",
    level: "stated",
    basis: invalid,
    mend,
    run: (context) =>
      refusesHeaders(context, (offer) => ({
        "text that is not base64": headerFor(offer, context.profile, "%%% not base64 %%%"),
        "an empty header": headerFor(offer, context.profile, ""),
      })),
  },
  {
    ...common,
    id: "MALF-02",
    title: "Base64 of something other than JSON is refused",
    level: "stated",
    basis: invalid,
    mend,
    run: (context) =>
      refusesHeaders(context, (offer) => ({
        "base64 of text": encodePayment(offer, context.profile, "not json"),
        "base64 of cut JSON": encodePayment(offer, context.profile, '{"x402Version":2,'),
      })),
  },
  {
    ...common,
    id: "MALF-03",
    title: "JSON that is not an object is refused",
    level: "stated",
    basis: invalid,
    mend: "Check that the parsed value is an object before reading its fields: null has none.",
    run: (context) =>
      refusesHeaders(context, (offer) =>
        Object.fromEntries(
          ["null", "[]", "1", '"x"', "true"].map((text) => [
            text,
            encodePayment(offer, context.profile, text),
          ]),
        ),
      ),
  },
  {
    ...common,
    id: "MALF-04",
    title: "An empty object is refused",
    level: "stated",
    basis: invalid,
    mend,
    run: (context) =>
      refusesHeaders(context, (offer) => ({ "{}": encodePayment(offer, context.profile, "{}") })),
  },
  {
    ...common,
    id: "MALF-05",
    title: "A payment that lacks a field is refused",
    level: "stated",
    basis: coreV2.says(
      "5.2.2",
      "accepted, payload, signature, authorization and its six fields: Required",
    ),
    mend: "Require every field; an absent one must not become undefined in a comparison.",
    run(context) {
      const fields = ["from", "to", "value", "validAfter", "validBefore", "nonce"];
      const bad: Record<string, ReturnType<typeof without>> = {
        "no payload": without((draft) => void delete draft["payload"]),
        "no signature": without((draft) => void delete draft["payload"].signature),
        "no authorization": without((draft) => void delete draft["payload"].authorization),
      };
      for (const field of fields)
        bad[`no ${field}`] = without((draft) => void delete draft["payload"].authorization[field]);
      if (context.profile === "x402-v2")
        bad["no accepted"] = without((draft) => void delete draft["accepted"]);
      return refusesAll(context, bad);
    },
  },
  {
    ...common,
    id: "MALF-06",
    title: "A field of the wrong type is refused",
    level: "stated",
    basis: coreV2.says("5.2.2", "`value`, `validAfter`, `validBefore`, `nonce`: `string`"),
    mend,
    run: (context) =>
      refusesAll(context, {
        "a nonce in a list": without(
          (draft) =>
            void (draft["payload"].authorization.nonce = [draft["payload"].authorization.nonce]),
        ),
        "a validBefore with a fraction": without(
          (draft) => void (draft["payload"].authorization.validBefore += ".5"),
        ),
        "an object as value": without((draft) => void (draft["payload"].authorization.value = {})),
        "a number as signature": without((draft) => void (draft["payload"].signature = 1)),
        "a number as value": without(
          (draft) =>
            void (draft["payload"].authorization.value = Number(
              draft["payload"].authorization.value,
            )),
        ),
        ...(context.profile === "x402-v2" && {
          "a number as accepted.amount": without(
            (draft) => void (draft["accepted"].amount = Number(draft["accepted"].amount)),
          ),
        }),
      }),
  },
  {
    ...common,
    id: "MALF-07",
    title: "Another protocol version is refused",
    level: "stated",
    basis: coreV2("9", "`invalid_x402_version`: Protocol version is not supported"),
    mend: "Compare x402Version with the number that this route speaks.",
    run(context) {
      const bad: Record<string, ReturnType<typeof without>> = {};
      const other = context.profile === "x402-v2" ? 1 : 2;
      for (const version of [other, 99, -1, "2", 2.5, undefined])
        bad[`version ${JSON.stringify(version)}`] = without(
          (draft) => void (draft["x402Version"] = version),
        );
      return refusesAll(context, bad);
    },
  },
  {
    ...common,
    id: "MALF-08",
    title: "A scheme, network or transfer method that is not offered is refused",
    level: "stated",
    basis: coreV2.says("9", "`unsupported_scheme`, `invalid_network`"),
    gains:
      "A payment is taken under terms that were not offered: by which rules it is checked is then the buyer's choice.",
    mend: "Find the payment's scheme, network and extra.assetTransferMethod among your own offers; refuse what is none of them.",
    run(context) {
      const at = (draft: Draft): Draft =>
        context.profile === "x402-v2" ? draft["accepted"] : draft;
      return refusesAll(context, {
        "an unknown scheme": without((draft) => void (at(draft)["scheme"] = "free")),
        "an unknown network": without(
          (draft) =>
            void (at(draft)["network"] = context.profile === "x402-v2" ? "eip155:424242" : "moon"),
        ),
        ...(context.profile === "x402-v2" && {
          "an unknown way to move the asset": without((draft) => {
            const { extra } = draft["accepted"] as { extra?: object };
            draft["accepted"].extra = { ...extra, assetTransferMethod: "pigeon" };
          }),
        }),
      });
    },
  },
];
