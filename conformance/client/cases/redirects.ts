/** Where a payment goes: to the URL that asked for it, and nowhere that this one points to. */
import { fetchStandard, policy } from "../../basis.ts";
import type { ClientCase } from "../client-case.ts";
import { anyOf, paysElsewhere, paysStranger } from "../faults.ts";
import type { Scene } from "../scene.ts";

const ALL = ["x402-v2", "x402-v1", "mpp"] as const;

/** The shop's URL leads to somebody else, who asks for a payment to themselves. */
const theft = (status: number): Scene => ({
  name: `${status} to a thief's 402`,
  right: 0n,
  script: ({ origin, payments: [payment] }, shop) => {
    const elsewhere = shop.url("other", "/paid");
    if (origin === "shop") return { status, headers: { Location: elsewhere }, body: "" };
    if (payment) return shop.deliver({});
    const terms = { ...shop.terms, payTo: shop.thief, resource: elsewhere };
    return shop.ask({ terms: [terms] });
  },
});

/** The shop asks rightly, and sends whoever pays to somebody else. */
const leak = (status: number): Scene => ({
  name: `${status} of the paid request`,
  script: ({ origin, paymentHeaders: { length } }, shop) => {
    if (origin === "other") return { status: 200, headers: {}, body: "{}" };
    if (length === 0) return shop.ask();
    return { status, headers: { Location: shop.url("other", "/paid") }, body: "" };
  },
});

export const REDIRECTS: readonly ClientCase[] = [
  {
    id: "CLIENT-20",
    title: "A redirect does not lead a payment to somebody else",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("The buyer chose an origin; another one was chosen by an open redirect."),
    gains: "An open redirect on any shop collects payments for whoever finds it.",
    mend: "Follow no redirect on a request that may be paid, or only within its origin; pin the recipient.",
    cwe: 601,
    traps: [theft(302), theft(307)],
    findFault: anyOf(paysStranger, paysElsewhere),
  },
  {
    id: "CLIENT-21",
    title: "A payment header goes to no other origin",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: fetchStandard(
      "4.4 HTTP-redirect fetch",
      "Only `Authorization` is taken off a request that is redirected to another origin: other headers travel along.",
    ),
    gains:
      "Whoever gets it can have it settled before the shop does: the buyer is charged and gets nothing.",
    mend: 'Send paid requests with redirect: "manual" (maxRedirects: 0), and treat a redirect as a failure.',
    cwe: 200,
    traps: [302, 307, 308].map(leak),
    findFault: paysElsewhere,
  },
];
