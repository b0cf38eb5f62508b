/** Group B, fifth part: version 1, and one server that speaks both. */
import { broken, type Case, holds, skipped } from "../case.ts";
import { coreV1, policy } from "../basis.ts";
import { isObject, parse, show } from "../read/json.ts";
import { readChallenge } from "../read/challenge.ts";
import { inEach, judge, X402_V2 } from "./judge.ts";

export const VERSION_CASES: readonly Case[] = [
  {
    id: "CHAL-26",
    title: "Where the body repeats the challenge, it says the same as the header",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: X402_V2,
    basis: policy(
      "Clients of version 1 read the body and clients of version 2 the header; whoever compares must find one price.",
    ),
    gains: "A client pays another price or recipient than the one that another checked.",
    mend: "Serialize the challenge once and send the same text in both, or leave the body empty.",
    async run({ challenge, first }) {
      const { value } = await challenge();
      const body = parse((await first()).body);
      if (!isObject(body) || !Array.isArray(body["accepts"]))
        return skipped("The body has no accepts.");
      if (body["x402Version"] !== 2)
        return skipped("The body is a challenge of x402 v1 (CHAL-28).");
      const same = JSON.stringify(body["accepts"]) === JSON.stringify(value["accepts"]);
      return same ? holds("The same.") : broken("Header and body have different accepts.");
    },
  },
  {
    id: "CHAL-27",
    title: "A version 1 challenge has every field of version 1",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: ["x402-v1"],
    basis: coreV1.says(
      "5.1",
      "PaymentRequirementsResponse: x402Version, error and accepts, each entry with scheme, network, maxAmountRequired, asset, payTo, resource, description, mimeType and maxTimeoutSeconds",
    ),
    gains: "Stock clients of version 1 parse the body strictly and throw.",
    mend: "Send every field, `description` and `mimeType` too (they may be empty strings).",
    async run({ first }) {
      const { challenge, problem } = readChallenge(await first(), "x402-v1");
      if (!challenge) return broken(`There is no challenge of version 1: ${problem}.`);
      const { value, entries } = challenge;
      const problems = [];
      if (value["x402Version"] !== 1) problems.push(`x402Version is ${show(value["x402Version"])}`);
      const texts = [
        "scheme",
        "network",
        "maxAmountRequired",
        "asset",
        "payTo",
        "resource",
        "description",
        "mimeType",
      ];
      problems.push(
        ...inEach(entries, "accepts", (entry) => {
          if (!isObject(entry)) return `is ${show(entry)}`;
          const missing = texts.filter((name) => typeof entry[name] !== "string");
          if (typeof entry["maxTimeoutSeconds"] !== "number") missing.push("maxTimeoutSeconds");
          return missing.length > 0 ? `lacks ${missing.join(", ")}` : undefined;
        }),
      );
      return judge(problems, "Complete.");
    },
  },
  {
    id: "CHAL-28",
    title: "A server of both versions asks the same in both",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: X402_V2,
    basis: policy("One request has one price; which protocol it is paid in does not change it."),
    gains:
      "Buyers pay in the cheaper version, or an old client pays a recipient that is no longer yours.",
    mend: "Make both challenges from one price and one recipient, in one function that is called once for a request.",
    async run({ challenge, first }) {
      const v2 = await challenge();
      const { challenge: v1 } = readChallenge(await first(), "x402-v1");
      if (!v1 || v1.value["x402Version"] !== 1) return skipped("It speaks version 2 only.");
      const terms = ({ amount, payTo, asset }: (typeof v2.offers)[number]) =>
        show([amount, payTo, asset].map((word) => String(word).toLowerCase()));
      const known = new Set(v2.offers.map(terms));
      const odd = v1.offers.filter((offer) => !known.has(terms(offer)));
      return odd.length === 0
        ? holds("The same amount, asset and recipient.")
        : broken(
            `Version 1 asks ${odd.map(terms).join(", ")}, version 2 ${[...known].join(", ")}.`,
          );
    },
  },
];
