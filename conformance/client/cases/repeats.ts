/** How often: one purchase, one payment, whatever is answered to it, and also where no answer comes. */
import { keccak256, stringToBytes } from "viem";
import { policy } from "../../basis.ts";
import type { ClientCase } from "../client-case.ts";
import { signsAgain } from "../faults.ts";
import type { Reply, Scene, Script, Shop, Visit } from "../scene.ts";
import { distinct } from "../signed-payment.ts";

const ALL = ["x402-v2", "x402-v1", "mpp"] as const;
const ONE =
  "Sign once for a purchase. Until the chain proves the payment dead, send the same bytes again or stop.";

/** The money is taken; then this is answered. */
const taken = (name: string, reply: (shop: Shop, transaction: string) => Reply): Scene => ({
  name,
  script: async ({ payments: [payment] }, shop) =>
    payment ? reply(shop, (await shop.take(payment)) ?? "") : shop.ask(),
});

const failed = (errorReason: string) => (shop: Shop, transaction: string) => {
  const { status, headers, body } = shop.ask();
  const told = errorReason === "settlement_pending" ? transaction : "";
  const claim = shop.claim({ success: false, transaction: told, errorReason });
  return { status, headers: { ...headers, ...claim }, body };
};

const startOf = ({ start }: Visit) => start;

const plain = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: "",
});

/** The first answer to a payment is lost; whoever sends it again gets what was bought. */
const lost: Script = async (visit, shop) => {
  if (visit.payments.length === 0) return shop.ask();
  const sold = await shop.sell(visit);
  return visit.paidCount === 0 ? "drop" : sold;
};

export const REPEATS: readonly ClientCase[] = [
  {
    id: "CLIENT-30",
    title: "A 402 after the payment is not paid again",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("The first payment was taken, or still can be."),
    gains: "The shop takes the money and asks again, as often as the client pays.",
    mend: ONE,
    traps: [taken("the same 402, after the money was taken", (shop) => shop.ask())],
    findFault: signsAgain,
  },
  {
    id: "CLIENT-31",
    title: "A payment that is said to have failed is not made anew",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("What a server or facilitator says of a settlement is a claim; the chain knows."),
    gains: "A facilitator that settles and says it did not has every purchase paid twice.",
    mend: `${ONE}\nAsk the chain for the authorization's state before anything is signed anew.`,
    traps: [
      taken("settled, and said to have failed", failed("insufficient_funds")),
      taken("settled, and said to be pending", failed("settlement_pending")),
      taken("settled by somebody else before", failed("invalid_exact_evm_nonce_already_used")),
    ],
    findFault: signsAgain,
  },
  {
    id: "CLIENT-32",
    title: "A lost answer does not lead to a second payment",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("A timeout says nothing of the money."),
    gains: "Each lost answer costs the price once more.",
    mend: ONE,
    traps: [
      taken("settled, and the connection closed", () => "drop"),
      taken("settled, and a gateway's timeout", () => plain(504)),
      taken("settled, and an empty answer", () => plain(200)),
    ],
    findFault: signsAgain,
  },
  {
    id: "CLIENT-33",
    title: "Being told to come later does not lead to a second payment",
    level: "policy",
    severity: "high",
    ring: 2,
    profiles: ALL,
    basis: policy("429 and 503 say when to ask again, not to pay again."),
    gains: "A busy shop is paid once for each retry.",
    mend: "After Retry-After send the same request with the same payment.",
    traps: [
      taken("settled, and 503", () => plain(503, { "Retry-After": "0" })),
      taken("settled, and 429", () => plain(429, { "Retry-After": "0" })),
      taken("settled, and 500", () => plain(500)),
    ],
    findFault: signsAgain,
  },
  {
    id: "CLIENT-34",
    title: "What was paid for is fetched by the same payment",
    level: "advice",
    severity: "medium",
    ring: 2,
    profiles: ALL,
    basis: policy("A shop that has the payment on record gives its answer again."),
    gains: "The buyer has paid, the shop has delivered, and nobody has the goods.",
    mend: "Where no answer came, send the identical request again, payment included.",
    traps: [{ name: "the first answer lost", script: lost }],
    findFault: ({ payments, delivered, visits }) => {
      const paid = visits.filter(({ paymentHeaders: { length } }) => length > 0);
      if (payments.length === 0 || (delivered && paid.length > 1)) return undefined;
      return "It paid, got no answer, and did not ask again with the same payment.";
    },
  },
  {
    id: "CLIENT-35",
    title: "The same purchase, started again, is not paid again",
    level: "advice",
    severity: "high",
    ring: 2,
    profiles: ALL,
    basis: policy("A program that failed is started again; the purchase's name is the same."),
    gains: "A crash, or a job that is retried, pays once for each attempt.",
    mend: "Keep what was signed under the purchase's name, durably, before it is sent; begin from there.",
    traps: [
      {
        name: "started twice, the first answer lost",
        starts: 2,
        script: async (visit, shop) => {
          if (visit.payments.length === 0) return shop.ask();
          const sold = await shop.sell(visit);
          return visit.start === 0 ? "drop" : sold;
        },
      },
    ],
    findFault: signsAgain,
  },
  {
    id: "CLIENT-36",
    title: "Each purchase is signed under a nonce of its own",
    level: "stated",
    severity: "high",
    ring: 2,
    profiles: ALL,
    basis: {
      spec: "EIP-3009",
      section: "Specification",
      url: "https://eips.ethereum.org/EIPS/eip-3009",
      quote: "nonce: Unique nonce. In MPP it is keccak256(challenge.id || realm).",
    },
    gains: "The second purchase cannot be settled, or one payment passes for another's.",
    mend: "32 random bytes, or a hash of the purchase; in MPP what the challenge fixes.",
    traps: [
      {
        name: "two purchases",
        starts: 2,
        separate: true,
        script: (visit, shop) => (visit.payments.length > 0 ? shop.sell(visit) : shop.ask()),
      },
    ],
    findFault: ({ payments, visits }) => {
      const bought = new Set(visits.filter((one) => one.payments.length > 0).map(startOf)).size;
      const nonces = new Set(payments.map(({ nonce }) => nonce));
      if (nonces.size < bought) return `It signed for ${bought} purchases under one nonce.`;
      const loose = distinct(payments).find(
        ({ challenge, nonce }) =>
          challenge && nonce !== keccak256(stringToBytes(challenge.id + challenge.realm)),
      );
      return loose && "Its nonce is not that of the MPP challenge.";
    },
  },
];
