/** Whom, in what and where: the recipient, the token and the chain that the buyer named, and for the thing that was asked for. */
import { coreV2, exactEvm, policy } from "../../basis.ts";
import type { ClientCase } from "../client-case.ts";
import { anyOf, overspends, paysStranger, signsAgain, signsAtAll } from "../faults.ts";
import type { Scene, Seen, Shop } from "../scene.ts";
import { PRICE } from "../stage.ts";
import type { Terms } from "../terms.ts";

const asks = (name: string, change: (terms: Terms, shop: Shop) => Terms): Scene => ({
  name,
  right: 0n,
  script: ({ payments: [payment] }, shop) =>
    payment ? shop.deliver({}) : shop.ask({ terms: [change(shop.terms, shop)] }),
});

const ALL = ["x402-v2", "x402-v1", "mpp"] as const;
const MAINNET_USDC = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913";

/** What a payment was signed for is not what the buyer named. */
const signedFor =
  (isOther: (terms: Terms, seen: Seen) => boolean, what: (terms: Terms) => string) =>
  (seen: Seen) => {
    const found = seen.payments.find(({ terms }) => terms && isOther(terms, seen));
    return found?.terms && `It signed for ${found.value} ${what(found.terms)}.`;
  };

export const PARTIES: readonly ClientCase[] = [
  {
    id: "CLIENT-10",
    title: "Nobody but the named recipient is paid",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("A 402 is not authenticated: whoever can answer for the URL names a recipient."),
    gains: "Whoever breaks into the shop, its cache or its DNS puts an address of their own there.",
    mend: "Pin each shop's recipients, and refuse an offer that names another.",
    cwe: 345,
    traps: [asks("another recipient", (terms, { thief }) => ({ ...terms, payTo: thief }))],
    findFault: paysStranger,
  },
  {
    id: "CLIENT-11",
    title: "A recipient that changes between quote and retry is not paid",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("One purchase has one payment, to one recipient."),
    gains: "The first payment goes to the shop, a second to whoever answers for it by then.",
    mend: "Sign once for a purchase; a 402 after the payment leads to no other.",
    traps: [
      {
        name: "another recipient after the payment",
        script: ({ payments: [payment] }, shop) => {
          const payTo = payment ? shop.thief : shop.terms.payTo;
          return shop.ask({ terms: [{ ...shop.terms, payTo }] });
        },
      },
    ],
    findFault: (seen) => paysStranger(seen) ?? signsAgain(seen),
  },
  {
    id: "CLIENT-12",
    title: "A token that calls itself the right one is not paid in",
    level: "policy",
    severity: "high",
    ring: 2,
    profiles: ALL,
    basis: policy(
      "A token is its address on a chain; its name and decimals are the server's words.",
    ),
    gains:
      "Another token is worth something else, or has other decimals: 10000 units of one with two are a hundred dollars.",
    mend: "Pay in tokens of your own list, by chain and address, and in nothing else.",
    traps: [
      asks("a token of the same name at another address", (terms, { fakeToken }) => ({
        ...terms,
        asset: fakeToken,
      })),
    ],
    findFault: signedFor(
      ({ asset }, { order }) => asset !== order.asset.address,
      ({ asset }) => `of the token ${asset}, which nobody named`,
    ),
  },
  {
    id: "CLIENT-13",
    title: "A payment is for the chain that was named",
    level: "policy",
    severity: "critical",
    ring: 2,
    profiles: ALL,
    basis: policy("The same key holds real money on another chain."),
    gains: "A test that was to cost play money is paid from the mainnet.",
    mend: "Name the chains that may be paid on; sign the chain id from your configuration.",
    traps: [
      asks("the mainnet's own token", (terms) => ({
        ...terms,
        network: "eip155:8453",
        networkName: "base",
        chainId: 8453,
        asset: MAINNET_USDC,
        domain: { name: "USD Coin", version: "2" },
      })),
    ],
    findFault: signedFor(
      ({ chainId }, { order }) => chainId !== order.asset.chainId,
      ({ chainId }) => `on chain ${chainId}, and it was to pay on another`,
    ),
  },
  {
    id: "CLIENT-14",
    title: "The token's domain is not the server's to say",
    level: "advice",
    severity: "low",
    ring: 2,
    profiles: ["x402-v2", "x402-v1"],
    basis: policy(
      "`extra.name` and `extra.version` are a stranger's; a wrong one makes a signature that no token takes.",
    ),
    gains:
      "A payment that cannot be settled buys nothing; and what else it is good for, the server chose.",
    mend: "Take the EIP-712 name and version of tokens that you know from your own table.",
    traps: [
      asks("another EIP-712 name", (terms) => ({
        ...terms,
        domain: { name: "Tether USD", version: "7" },
      })),
    ],
    findFault: signedFor(
      ({ domain }, { order }) => domain.name !== order.asset.eip712.name,
      ({ domain }) => `under the domain "${domain.name}", which the server made up`,
    ),
  },
  {
    id: "CLIENT-15",
    title: "What is sold is what was asked for",
    level: "advice",
    severity: "medium",
    ring: 2,
    profiles: ALL,
    basis: coreV2("§5.1.2", "`resource`: ResourceInfo object describing the protected resource"),
    gains: "A proxy, or the shop, sells the answer of one URL under the price of another.",
    mend: "Compare the challenge's resource (in MPP its realm) with the URL of the request, and refuse another.",
    traps: [
      asks("another URL's challenge", (terms) => ({
        ...terms,
        resource: "https://elsewhere.example/other-thing",
      })),
    ],
    findFault: (seen) => {
      const fault = signsAtAll(seen);
      return fault && `The challenge is for https://elsewhere.example/other-thing. ${fault}`;
    },
  },
  {
    id: "CLIENT-16",
    title: "A payment does not stay valid for long",
    level: "policy",
    severity: "high",
    ring: 2,
    profiles: ALL,
    basis: policy("Until it expires, an authorization is money that can go at any time."),
    gains: "A payment that seemed to fail is settled months later, when nobody counts it any more.",
    mend: "Cut the server's wish down: a few minutes are enough, an hour is the most.",
    cwe: 613,
    traps: [{ ...asks("a year", (terms) => ({ ...terms, seconds: 31_536_000 })), right: PRICE }],
    findFault: ({ payments }) => {
      const now = BigInt(Math.floor(Date.now() / 1000));
      const longest = payments.reduce(
        (most, { validBefore }) => (validBefore - now > most ? validBefore - now : most),
        0n,
      );
      return longest > 3_700n ? `It signed a payment that is valid for ${longest} s.` : undefined;
    },
  },
  {
    id: "CLIENT-17",
    title: "Another kind of signature is held to the same limit and recipient",
    level: "policy",
    severity: "high",
    ring: 2,
    profiles: ["x402-v2"],
    basis: exactEvm(
      "Asset transfer methods",
      "`extra.assetTransferMethod`: eip3009, permit2 or erc7710; the server says which.",
    ),
    gains: "What is refused as a transfer is signed as a permission of another contract.",
    mend: "Sign only the kinds that you mean to, and check amount, recipient and end of each alike.",
    traps: [
      asks("Permit2, to a thief", (terms, { thief }) => ({
        ...terms,
        transferMethod: "permit2",
        payTo: thief,
      })),
      asks("Permit2, above the limit", (terms) => ({
        ...terms,
        transferMethod: "permit2",
        amount: "100000",
      })),
    ],
    findFault: anyOf(paysStranger, overspends),
  },
];
