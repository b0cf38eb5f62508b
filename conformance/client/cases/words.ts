/** What a client believes and what it repeats: challenges that are none, receipts that are none, its own request, and its key. */
import { httpV2, policy } from "../../basis.ts";
import type { Profile } from "../../case.ts";
import type { ClientCase } from "../client-case.ts";
import { anyOf, hangs, signsAtAll } from "../faults.ts";
import { HONEST, type Scene } from "../scene.ts";
import { distinct } from "../signed-payment.ts";
import { type Answer, ASK } from "../terms.ts";

const ALL = ["x402-v2", "x402-v1", "mpp"] as const;

/** A text where the protocol has its challenge. */
const CARRY: Readonly<Record<Profile, (text: string) => Answer>> = {
  "x402-v2": (text) => ({
    status: 402,
    headers: { "PAYMENT-REQUIRED": Buffer.from(text).toString("base64") },
    body: "{}",
  }),
  "x402-v1": (text) => ({ status: 402, headers: {}, body: text }),
  mpp: (text) => ({
    status: 402,
    headers: {
      "WWW-Authenticate": `Payment id="a", realm="127.0.0.1", method="evm", intent="charge", request="${Buffer.from(text).toString("base64url")}"`,
    },
    body: "{}",
  }),
};

const garbage = (name: string, text: string): Scene => ({
  name,
  script: (_, { profile }) => CARRY[profile](text),
});

const noChallenge: Scene = {
  name: "a 402 without a challenge",
  script: () => ({ status: 402, headers: { "Content-Type": "text/html" }, body: "<h1>Pay!</h1>" }),
};

const BOTH_VERSIONS: Scene = {
  name: "both versions in one 402",
  script: (visit, shop) => {
    if (visit.paymentHeaders.length > 0) return shop.sell(visit);
    const asking = { terms: [shop.terms] };
    shop.ask(asking);
    return { ...ASK["x402-v2"](asking), body: ASK["x402-v1"](asking).body };
  },
};

const INVENTED = `0x${"ab".repeat(32)}`;

export const WORDS: readonly ClientCase[] = [
  {
    id: "CLIENT-40",
    title: "A challenge that cannot be read is not paid, and ends the call",
    level: "policy",
    severity: "medium",
    ring: 2,
    profiles: ALL,
    basis: policy("A 402 is a stranger's text."),
    gains: "A client that hangs or crashes on it takes its program down.",
    mend: "Read the challenge once, strictly, within limits of size and depth; on anything else say what is wrong and stop.",
    cwe: 20,
    traps: [
      noChallenge,
      garbage("text that is no JSON", "not json {"),
      garbage("null", "null"),
      garbage("no offers", '{"x402Version":2,"accepts":[]}'),
      garbage("offers of another shape", '{"x402Version":1,"accepts":{"0":[]}}'),
      garbage("4000 brackets", "[".repeat(4000)),
      garbage("20 KB of nothing", "x".repeat(20_000)),
    ],
    findFault: anyOf(signsAtAll, hangs),
  },
  {
    id: "CLIENT-41",
    title: "A receipt is checked against the chain",
    level: "advice",
    severity: "medium",
    ring: 2,
    profiles: ALL,
    basis: policy("A receipt is the seller's word; the transfer is the chain's."),
    gains:
      "The books say settled, and the money leaves later, or never: neither budget nor ledger is right.",
    mend: "Count the payment as open until the chain shows the authorization used, or expired.",
    cwe: 345,
    traps: [
      {
        name: "a transaction that does not exist",
        script: ({ payments: [payment] }, shop) =>
          payment ? shop.deliver({ transaction: INVENTED }) : shop.ask(),
      },
    ],
    findFault: ({ payments, askedChain }) => {
      if (payments.length === 0 || askedChain) return undefined;
      return "The receipt names a transaction that does not exist, and the chain was asked nothing of the payment.";
    },
  },
  {
    id: "CLIENT-42",
    title: "The paid request is the one that was quoted",
    level: "policy",
    severity: "medium",
    ring: 2,
    profiles: ALL,
    basis: policy("The price is for this method, URL, body and caller."),
    gains: "The caller pays for another request than it made, or is turned away after it paid.",
    mend: "Repeat method, URL, body and every header of the request, whatever form they were given in, and add the payment.",
    traps: [HONEST],
    findFault: ({ visits }) => {
      const first = visits.find(({ paymentHeaders: { length } }) => length === 0);
      const paid = visits.find(({ paymentHeaders: { length } }) => length > 0);
      if (!first || !paid) return undefined;
      const changed = [
        ...(["method", "path", "body"] as const).filter((part) => first[part] !== paid[part]),
        ...["content-type", "x-trace"].filter((name) => first.headers[name] !== paid.headers[name]),
      ];
      return changed.length === 0 ? undefined : `The paid request lost its ${changed.join(", ")}.`;
    },
  },
  {
    id: "CLIENT-43",
    title: "One request carries one payment",
    level: "policy",
    severity: "high",
    ring: 2,
    profiles: ["x402-v2", "x402-v1"],
    basis: httpV2(
      "Header Summary",
      "PAYMENT-SIGNATURE carries the payment; X-PAYMENT is version 1's.",
    ),
    gains: "A server that speaks both versions takes both.",
    mend: "Pick one version of a challenge, and send its header alone.",
    traps: [BOTH_VERSIONS],
    // Nothing in it is hostile: who cannot buy from it has shown nothing.
    twin: BOTH_VERSIONS,
    findFault: ({ visits, payments }) => {
      const double = visits.find(({ paymentHeaders: { length } }) => length > 1);
      if (double) return `One request carried ${double.paymentHeaders.join(" and ")}.`;
      const { length } = distinct(payments);
      return length > 1 ? `It signed ${length} payments for one purchase.` : undefined;
    },
  },
  {
    id: "CLIENT-44",
    title: "The key stays where it is",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("A key in a log or a request is everybody's."),
    gains: "Whoever reads the log, or runs the shop, has the wallet.",
    mend: "Keep the key in a signer of its own; let no error, log or request hold it.",
    cwe: 532,
    traps: [HONEST, garbage("text that is no JSON", "not json {")],
    findFault: ({ order, ends, visits }) => {
      const secret = order.key.slice(2).toLowerCase();
      const holds = (text: string) => text.toLowerCase().includes(secret);
      if (visits.some(({ headers, body, path }) => holds(JSON.stringify([headers, body, path]))))
        return "It sent the key to the shop.";
      return ends.some(({ said }) => holds(said)) ? "It printed the key." : undefined;
    },
  },
];
