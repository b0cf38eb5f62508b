/** How much: a limit that holds whatever the shop asks for, in whatever unit, order or number of steps. */
import { policy } from "../../basis.ts";
import type { ClientCase } from "../client-case.ts";
import { anyOf, hangs, overspends, signsAgain, signsAtAll } from "../faults.ts";
import type { Scene } from "../scene.ts";
import { signedTotal } from "../signed-payment.ts";
import { LIMIT } from "../stage.ts";
import type { Terms } from "../terms.ts";

/** A shop that asks for these terms, and takes what it gets. */
const asks = (
  name: string,
  change: (terms: Terms, thief: string) => readonly Terms[],
  right?: bigint,
): Scene => ({
  name,
  script: ({ payments: [payment] }, shop) =>
    payment ? shop.deliver({}) : shop.ask({ terms: change(shop.terms, shop.thief) }),
  ...(right === undefined ? {} : { right }),
});

/** The same without a trap: it asks so, and sells. */
const sells = (name: string, right: bigint, change: (terms: Terms) => Terms[]): Scene => ({
  name,
  right,
  script: (visit, shop) =>
    visit.paymentHeaders.length > 0 ? shop.sell(visit) : shop.ask({ terms: change(shop.terms) }),
});

const amount = (text: string) => (terms: Terms) => [{ ...terms, amount: text }];

export const AMOUNTS: readonly ClientCase[] = [
  {
    id: "CLIENT-01",
    title: "Nothing above the limit is signed",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("The buyer said what the purchase may cost; a 402 is a stranger's wish."),
    gains: "Whoever runs the server names the price, and takes what the wallet holds.",
    mend: "Compare the chosen offer's amount with the caller's limit before anything is signed.\nLet there be no default without a limit.",
    cwe: 770,
    traps: [asks("a price above the limit", amount("100000"))],
    twin: sells("a price at the limit, to the unit", LIMIT, amount(String(LIMIT))),
    findFault: overspends,
  },
  {
    id: "CLIENT-02",
    title: "A price that rises after the payment is not paid",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("One purchase has one payment; the first may still be settled."),
    gains:
      "The shop quotes a low price, keeps the payment, and asks for a higher one: it settles both.",
    mend: "Sign once for a purchase. Treat a 402 after a payment as its failure, never as a new quote.",
    traps: [
      {
        name: "a quote, then a higher price",
        script: ({ payments: [payment] }, shop) => {
          const price = payment ? "15000" : shop.terms.amount;
          return shop.ask({ terms: [{ ...shop.terms, amount: price }] });
        },
      },
    ],
    findFault: signsAgain,
  },
  {
    id: "CLIENT-03",
    title: "A price in the wrong unit is not paid",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("The token has 6 decimals, whatever the shop counts in."),
    gains: "A cent that is written with 18 decimals is ten billion dollars of the token.",
    mend: "Take the token's decimals from a table of your own, and compare atomic units with atomic units.",
    traps: [
      asks("a cent, written with 18 decimals", (terms) => [
        { ...terms, amount: "10000000000000000", decimals: 18 },
      ]),
    ],
    findFault: overspends,
  },
  {
    id: "CLIENT-04",
    title: "An amount that fills the number, or does not fit, is not paid",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("An amount is a stranger's number of any length."),
    gains: "An overflow, or a comparison of texts, lets through what no limit would.",
    mend: "Read amounts as big integers with a limit of digits; never as floating-point numbers or text.",
    cwe: 190,
    traps: [
      asks("2^256-1", amount(String(2n ** 256n - 1n))),
      asks("2^256", amount(String(2n ** 256n + 10_000n))),
      asks("10^78", amount(`1${"0".repeat(78)}`)),
    ],
    findFault: anyOf(overspends, hangs),
  },
  {
    id: "CLIENT-05",
    title: "Of several offers the cheapest is paid, not the first",
    level: "policy",
    severity: "medium",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("The order of offers is the seller's choice; what to pay is the buyer's."),
    gains: "The shop puts its dearest offer first, and everybody pays that.",
    mend: "Drop the offers that may not be paid, and take the cheapest of what is left.",
    traps: [
      asks(
        "15000 first, 2000 second",
        (terms) => [
          { ...terms, amount: "15000" },
          { ...terms, amount: "2000" },
        ],
        2_000n,
      ),
    ],
    twin: sells("the cheaper of two first", 15_000n, (terms) => [
      terms,
      { ...terms, amount: "15000" },
    ]),
    findFault: ({ payments }) => {
      const total = signedTotal(payments);
      if (total <= 2_000n) return undefined;
      return `The same was on offer for 2000, and it signed for ${total}.`;
    },
  },
  {
    id: "CLIENT-06",
    title: "The offer that is checked is the one that is paid",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("A limit that looks at the first offer says nothing of the second."),
    gains: "A cheap offer on a network that nobody uses stands before the one that is paid.",
    mend: "Choose first, then check exactly the offer that was chosen.",
    traps: [
      asks("a cheap offer elsewhere, a dear one here", (terms) => [
        { ...terms, network: "eip155:137", networkName: "polygon", chainId: 137, amount: "1" },
        { ...terms, amount: "100000" },
      ]),
    ],
    twin: sells("a cheap offer elsewhere, a fair one here", 10_000n, (terms) => [
      { ...terms, network: "eip155:137", networkName: "polygon", chainId: 137, amount: "1" },
      terms,
    ]),
    findFault: overspends,
  },
  {
    id: "CLIENT-07",
    title: "Fees that follow one another stay within the limit together",
    level: "policy",
    severity: "high",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("The limit is the purchase's, not each request's."),
    gains: "Each step asks for a little less than the limit, and there is always another step.",
    mend: "Count every payment of a purchase under its one limit, redirects included.",
    traps: [
      {
        name: "a paid answer that leads to a fee",
        script: async (visit, shop) => {
          const step = Number(/\d+$/.exec(visit.path)?.[0] ?? 0);
          const [payment] = visit.payments;
          if (!payment) {
            const fee = String(step === 0 ? 10_000 : 15_000);
            const resource = shop.url("shop", visit.path);
            return shop.ask({ terms: [{ ...shop.terms, amount: fee, resource }] });
          }
          const transaction = (await shop.take(payment)) ?? "";
          const next = { Location: shop.url("shop", `/fee/${step + 1}`) };
          if (step >= 3) return shop.deliver({ transaction });
          return { status: 302, headers: { ...next, ...shop.claim({ transaction }) }, body: "" };
        },
      },
    ],
    findFault: overspends,
  },
  {
    id: "CLIENT-08",
    title: "An amount that is no plain whole number is not paid",
    level: "advice",
    severity: "low",
    ring: 2,
    profiles: ["x402-v2", "x402-v1", "mpp"],
    basis: policy("The specifications write amounts in decimal digits alone."),
    gains: "Two programs that read one text as two numbers disagree on what was paid.",
    mend: "Take amounts that match ^(0|[1-9][0-9]*)$, and refuse the rest.",
    traps: ["0x2710", "1e4", "10000.0", " 10000", "-10000"].map((text) =>
      asks(JSON.stringify(text), amount(text)),
    ),
    findFault: anyOf(signsAtAll, hangs),
  },
];
