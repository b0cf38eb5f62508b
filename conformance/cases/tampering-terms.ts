/** Group F, third part: the window, the nonce and the money behind a payment. */
import type { Case } from "../case.ts";
import { coreV2, policy } from "../basis.ts";
import { refusesAll } from "../pay/judge-refusal.ts";
import { newStranger } from "../pay/payer-side.ts";

const ours = {
  ring: 1,
  profiles: ["x402-v2", "x402-v1"],
  severity: "critical",
  gains: "The buyer chooses the price or the recipient.",
  mend: "Verify the payment against your own offer for this request, never against what the payment says was accepted.",
  cwe: 345,
} as const;

const window = {
  ...ours,
  severity: "high",
  gains: "The work is done for an authorization that can no longer, or not yet, be settled.",
  mend: "Check validAfter and validBefore against the clock before the work, with the seconds that settling takes.",
} as const;

const seconds = () => BigInt(Math.floor(Date.now() / 1000));

export const TERMS_CASES: readonly Case[] = [
  {
    ...window,
    id: "TAMP-11",
    title: "An authorization that has expired is refused",
    level: "stated",
    basis: coreV2("9", "`invalid_exact_evm_payload_authorization_valid_before`"),
    run: (context) =>
      refusesAll(context, {
        "an expired authorization": { fields: { validBefore: seconds() - 10n } },
      }),
  },
  {
    ...window,
    id: "TAMP-12",
    title: "An authorization that is about to expire is refused",
    level: "advice",
    severity: "medium",
    basis: policy("Settling takes seconds; the reference facilitator wants 6 of them."),
    run: (context) =>
      refusesAll(context, { "3 seconds left": { fields: { validBefore: seconds() + 3n } } }),
  },
  {
    ...window,
    id: "TAMP-13",
    title: "An authorization that is not valid yet is refused",
    level: "stated",
    basis: coreV2("9", "`invalid_exact_evm_payload_authorization_valid_after`"),
    run: (context) =>
      refusesAll(context, {
        "a validAfter in an hour": {
          fields: { validAfter: seconds() + 3600n, validBefore: seconds() + 7200n },
        },
      }),
  },
  {
    ...ours,
    id: "TAMP-15",
    title: "A nonce that is not 32 bytes is refused",
    level: "stated",
    severity: "high",
    basis: coreV2("5.2.2", "32-byte random nonce to prevent replay attacks"),
    gains: "Two spellings of one nonce are two payments to a careless store, and one to the token.",
    run: (context) =>
      refusesAll(context, {
        "a nonce of 31 bytes": {
          edit: (draft) => void (draft["payload"].authorization.nonce = `0x${"ab".repeat(31)}`),
        },
        "a nonce of 33 bytes": {
          edit: (draft) => void (draft["payload"].authorization.nonce = `0x${"ab".repeat(33)}`),
        },
        "a nonce that is no hexadecimal": {
          edit: (draft) => void (draft["payload"].authorization.nonce = `0x${"zz".repeat(32)}`),
        },
      }),
  },
  {
    ...ours,
    id: "TAMP-16",
    title: "A payer without money is refused",
    level: "stated",
    basis: coreV2(
      "6.1.2",
      "2. Balance Verification: Confirm the payer has sufficient token balance for the transfer",
    ),
    gains: "Signed well and worth nothing: the goods go to whoever makes a key.",
    mend: "Ask /verify before the work: it reads balanceOf(from). Deliver after /settle says success, for the balance may be gone by then.",
    run(context) {
      const signer = newStranger();
      return refusesAll(context, {
        "a payer who holds nothing": { signer, fields: { from: signer.address } },
      });
    },
  },
];
