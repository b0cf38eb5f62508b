/** Group B, fourth part: whether an offer makes sense: its price, its recipient, how long it binds. */
import { type Case, holds, noted, broken } from "../case.ts";
import { policy } from "../basis.ts";
import { readChallenge } from "../read/challenge.ts";
import { isObject, show } from "../read/json.ts";
import { inEach, judge, X402 } from "./judge.ts";
import { DECIMAL_INTEGER, worthOf } from "./offer-grammar.ts";

const MAX_UINT256 = 2n ** 256n - 1n;

export const SENSE_CASES: readonly Case[] = [
  {
    id: "CHAL-11",
    title: "Every price is more than nothing",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: X402,
    basis: policy("An amount of 0 sells for the gas of a settlement, which somebody pays."),
    gains: "Anybody takes what is for sale for nothing, and each sale costs your facilitator gas.",
    mend: "Check the price that your pricing function returns; rounding a small one down gives 0.",
    async run({ challenge }) {
      const { offers } = await challenge();
      const problems = inEach(offers, "accepts", ({ amount }) =>
        /^0+$/.test(String(amount)) ? "asks 0" : undefined,
      );
      return judge(problems, "More than 0.");
    },
  },
  {
    id: "CHAL-12",
    title: "No price is out of all bounds",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: X402,
    basis: policy(
      "A uint256 holds at most 2^256-1; more cannot be paid. With --max-price the bound is yours.",
    ),
    gains:
      "An agent with a careless cap pays a price that nobody meant: 18 decimals where the token has 6 is a million million times too much.",
    mend: "Make the amount from the token's own decimals, in integers, and cap it in configuration: if (amount > most) throw.",
    async run({ challenge, expect }) {
      const { offers } = await challenge();
      const limit = expect.maxPrice ?? MAX_UINT256;
      const problems = inEach(offers, "accepts", ({ amount }) => {
        if (typeof amount !== "string" || !DECIMAL_INTEGER.test(amount)) return undefined;
        return amount.length > 78 || BigInt(amount) > limit
          ? `asks ${show(amount)}, more than ${limit}`
          : undefined;
      });
      return judge(problems, "Within bounds.");
    },
  },
  {
    id: "CHAL-16",
    title: "The recipient can receive",
    level: "policy",
    severity: "critical",
    ring: 0,
    profiles: X402,
    basis: policy(
      "Money sent to the zero address or to the token's own contract is lost; money sent to the facilitator's own account is the facilitator's.",
    ),
    gains: "Every payment is lost for buyer and seller, or is the facilitator's to keep.",
    mend: "Set payTo to an address that you hold the key of; check the environment variable in production.",
    async run({ challenge, payer }) {
      const { offers } = await challenge();
      const { signers } = payer;
      const problems = inEach(offers, "accepts", ({ payTo, asset }) => {
        const to = String(payTo).toLowerCase();
        if (/^0x0{40}$/.test(to)) return "pays the zero address";
        if (signers?.some((signer) => signer.toLowerCase() === to) === true)
          return "pays the facilitator's own account";
        return to === String(asset).toLowerCase() ? "pays the token's own contract" : undefined;
      });
      return judge(
        problems,
        signers
          ? "Neither zero, nor the token, nor the facilitator."
          : "Neither zero nor the token. Whether it is the facilitator's account is seen where the tester brings the facilitator (ring 2).",
      );
    },
  },
  {
    id: "CHAL-17",
    title: "The recipient is always the same, and the one expected",
    level: "policy",
    severity: "critical",
    ring: 0,
    profiles: X402,
    basis: policy(
      "A recipient that changes by itself is how a compromised server, cache or proxy takes the money.",
    ),
    gains: "Whoever can change one answer in twenty is paid for it.",
    mend: "Pin payTo in configuration. If each request has a deposit address of its own, say so with --skip CHAL-17.",
    cwe: 345,
    async run({ challenge, ask, expect, profile }) {
      const seen = new Set(
        (await challenge()).offers.map(({ payTo }) => String(payTo).toLowerCase()),
      );
      const expected = expect.payTo?.toLowerCase();
      const strangers = [...seen].filter((payTo) => expected !== undefined && payTo !== expected);
      if (strangers.length > 0) return broken(`It pays ${strangers.join(", ")}, not ${expected}.`);
      for (let count = 0; count < 19; count++) {
        const { answer } = await ask();
        const offers = answer ? (readChallenge(answer, profile).challenge?.offers ?? []) : [];
        const other = offers.find(({ payTo }) => !seen.has(String(payTo).toLowerCase()));
        if (other)
          return broken(
            `Request ${count + 2} was to pay ${show(other.payTo)}, the first ${[...seen].join(", ")}.`,
          );
      }
      return holds(
        `${[...seen].join(", ")} in 20 requests${expected === undefined ? "; give --expect-pay-to to compare it with what you know" : ""}.`,
      );
    },
  },
  {
    id: "CHAL-18",
    title: "maxTimeoutSeconds is short",
    level: "policy",
    severity: "high",
    ring: 0,
    profiles: X402,
    basis: policy(
      "Stock clients sign for as long as the server says, a year too: the signature stays good for that long.",
    ),
    gains:
      "Whoever gets at a signed payment later (a log, a backup) can still cash it, long after the buyer gave up.",
    mend: "Set maxTimeoutSeconds to what the work takes and a little more, such as 60; at most 600.",
    async run({ challenge }) {
      const { offers } = await challenge();
      const values = offers.map(({ raw }) => raw["maxTimeoutSeconds"]);
      const problems = inEach(values, "accepts", (value) =>
        Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 3600
          ? undefined
          : `has ${show(value)}`,
      );
      if (problems.length === 0 && values.some((value) => Number(value) > 600))
        return noted(`${values.join(", ")} seconds: more than 600 is long to hold a signature.`);
      return judge(problems, `${values.join(", ")} seconds.`);
    },
  },
  {
    id: "CHAL-23",
    title: "No offer repeats or contradicts another, and the first is not dearer than the rest",
    level: "advice",
    severity: "medium",
    ring: 0,
    profiles: X402,
    basis: policy(
      "Clients take the first or the cheapest offer that they can pay; two of one kind make that a guess.",
    ),
    gains: "A client that reads the first entry only pays the dearer one.",
    mend: "Offer each network, asset and scheme once, the cheapest first.",
    async run({ challenge }) {
      const { offers } = await challenge();
      const keys = offers.map(({ scheme, network, asset, raw }) =>
        show([scheme, network, String(asset).toLowerCase(), methodOf(raw)], 300),
      );
      const double = keys.find((key, at) => keys.indexOf(key) !== at);
      if (double !== undefined) return broken(`${double} is offered more than once.`);
      const [first, ...rest] = offers.map(worthOf);
      const cheaper = rest.find(
        (other) => first && other && other.micros * 101n < first.micros * 100n,
      );
      return first && cheaper
        ? broken(
            `The first offer asks ${first.micros} millionths on ${first.network}, a later one ${cheaper.micros} on ${cheaper.network}.`,
          )
        : holds("Each kind once.");
    },
  },
];

function methodOf(raw: Readonly<Record<string, unknown>>): unknown {
  return isObject(raw["extra"]) ? raw["extra"]["assetTransferMethod"] : undefined;
}
