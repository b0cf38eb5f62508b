/** Group F, second part: payments that are signed well, for something else than was asked. */
import type { Case } from "../case.ts";
import { coreV2, exactEvm, policy } from "../basis.ts";
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

export const TAMPERING_CASES: readonly Case[] = [
  {
    ...ours,
    id: "TAMP-01",
    title: "One unit less than the price is refused",
    level: "stated",
    basis: coreV2(
      "6.1.2",
      "3. Amount Validation: Ensure the payment amount meets or exceeds the required amount",
    ),
    gains: "The buyer pays what it likes: one unit less today, one unit in all tomorrow.",
    mend: `Compare authorization.value with your own offer's amount, as integers:
if (BigInt(value) !== BigInt(offer.amount)) refuse.`,
    run: (context) =>
      refusesAll(context, { "one unit less": ({ price }) => ({ fields: { value: price - 1n } }) }),
  },
  {
    ...ours,
    id: "TAMP-02",
    title: "One unit more than the price is refused",
    level: "advice",
    severity: "low",
    gains:
      "Nothing for a thief; a buyer who overpays by mistake is not told. The revisions differ, so both outcomes are accepted: a grant is a warning, not a failure.",
    mend: "Compare with ===, not with >=: the newer text and the exact scheme want the amount exactly.",
    basis: coreV2.says(
      "6.1.2",
      "The older revision has the amount meet or exceed the price, the newer one has it match exactly.",
    ),
    run: (context) =>
      refusesAll(context, { "one unit more": ({ price }) => ({ fields: { value: price + 1n } }) }),
  },
  {
    ...ours,
    id: "TAMP-03",
    title: "Amounts of nothing, and of everything, are refused",
    level: "stated",
    basis: coreV2(
      "9",
      "`invalid_exact_evm_payload_authorization_value`: Payment amount is insufficient for the required payment",
    ),
    gains: "The goods go for nothing, or for an amount that nobody can pay and nothing can settle.",
    mend: "Compare the amount with your own offer's, as integers of at most 256 bits, before the work.",
    run(context) {
      const signer = newStranger();
      const from = signer.address;
      return refusesAll(context, {
        "a value of 0": { signer, fields: { from, value: 0n } },
        "2^256 - 1": { signer, fields: { from, value: 2n ** 256n - 1n } },
        // No uint256: whoever cuts it to 256 bits reads 0.
        "2^256": {
          signer,
          fields: { from, value: 0n },
          edit: (draft) => void (draft["payload"].authorization.value = String(2n ** 256n)),
        },
      });
    },
  },
  {
    ...ours,
    id: "TAMP-04",
    title: "A payment to somebody else is refused",
    level: "stated",
    basis: coreV2(
      "9",
      "`invalid_exact_evm_payload_recipient_mismatch`: Recipient address does not match payment requirements",
    ),
    gains: "The buyer pays itself, or a friend, and gets the goods.",
    mend: "Compare authorization.to with your own payTo, both in lower case, before the work.",
    run: (context) =>
      refusesAll(context, {
        "a payment to another address": { fields: { to: newStranger().address } },
      }),
  },
  {
    ...ours,
    id: "TAMP-05",
    title: "A price that the buyer wrote is refused",
    level: "policy",
    profiles: ["x402-v2"],
    basis: coreV2(
      "6.1.2",
      "5. Parameter Matching: Confirm authorization parameters match the original payment requirements",
    ),
    gains: "The buyer writes its own price: one unit for anything.",
    run: (context) =>
      refusesAll(context, {
        "a lower accepted.amount, signed": {
          fields: { value: 1n },
          edit: (draft) => void (draft["accepted"].amount = "1"),
        },
      }),
  },
  {
    ...ours,
    id: "TAMP-06",
    title: "A recipient that the buyer wrote is refused",
    level: "policy",
    profiles: ["x402-v2"],
    basis: coreV2(
      "6.1.2",
      "5. Parameter Matching: Confirm authorization parameters match the original payment requirements",
    ),
    gains: "The buyer pays itself, and gets the goods.",
    run(context) {
      const payTo = context.payer.account.address;
      return refusesAll(context, {
        "a payment to oneself": {
          fields: { to: payTo },
          edit: (draft) => void (draft["accepted"].payTo = payTo),
        },
      });
    },
  },
  {
    ...ours,
    id: "TAMP-07",
    title: "A signature for another chain is refused",
    level: "stated",
    basis: coreV2.says("10.1", "EIP-712 binds the signature to the chain"),
    gains: "Play money of a test network, which anybody gets for nothing, buys at your shop.",
    mend: "Verify the signature under the chain id of your own offer, not under the payment's.",
    run: (context) =>
      refusesAll(context, { "a signature for another chain": { domain: { chainId: 5 } } }),
  },
  {
    ...ours,
    id: "TAMP-08",
    title: "A payment in another token is refused",
    level: "stated",
    basis: coreV2("6.1.2", "5. Parameter Matching"),
    gains: "A token that the buyer has minted for itself buys at your shop.",
    mend: "Verify the signature under the verifyingContract of your own offer's asset.",
    run: (context) =>
      refusesAll(context, {
        "a signature for another token": { domain: { verifyingContract: newStranger().address } },
      }),
  },
  {
    ...ours,
    id: "TAMP-09",
    title: "A token without code is refused",
    level: "policy",
    profiles: ["x402-v2"],
    basis: policy("A call to an address without code succeeds and moves nothing."),
    gains:
      "Settling a transfer in a token without code succeeds and moves nothing: the goods go for nothing, and the receipt looks right.",
    mend: "Take the asset from your own offer; in the facilitator, see that eth_getCode(asset) is not empty.",
    run(context) {
      const asset = newStranger().address;
      return refusesAll(context, {
        "an asset that is no contract": {
          domain: { verifyingContract: asset },
          edit: (draft) => void (draft["accepted"].asset = asset),
        },
      });
    },
  },
  {
    ...ours,
    id: "TAMP-10",
    title: "A signature under another token name is refused",
    level: "stated",
    basis: exactEvm.says("1", "The domain is the token's own name and version"),
    gains:
      "What was signed under another domain is refused by the token: the work is done, and nothing can be settled.",
    mend: "Verify under the name and version of your own offer's extra, which are the token's own.",
    run: (context) =>
      refusesAll(context, {
        "another name": { domain: { name: "Other Coin" } },
        "another version": { domain: { version: "99" } },
      }),
  },
];
