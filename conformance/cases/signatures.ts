/** Group F, first part: signatures that are not the payer's over this payment. */
import { encodeAbiParameters, type Hex, type LocalAccount, parseAbiParameters } from "viem";
import { broken, type Case, holds, noted } from "../case.ts";
import { coreV2, coreV2Flows, exactEvm, policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { isGrant, refusesAll } from "../pay/judge-refusal.ts";
import { newStranger } from "../pay/payer-side.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { isUsed } from "../pay/sale.ts";

const common = {
  ring: 1,
  profiles: ["x402-v2", "x402-v1"],
  severity: "critical",
  gains:
    "Everybody buys with anybody's address, or with none: nothing can be settled, and the goods are gone.",
  mend: "Ask the facilitator's /verify before the work and its /settle before the answer, and believe only isValid: true and success: true.",
  cwe: 347,
} as const;

const verified = coreV2(
  "6.1.2",
  "1. Signature Validation: Verify the EIP-712 signature is valid and properly signed by the payer",
);

/** The other signature of the same message that ECDSA allows: s in the upper half. */
function highS(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = order - BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.endsWith("1b") ? "1c" : "1b";
  return `0x${signature.slice(2, 66)}${s.toString(16).padStart(64, "0")}${v}`;
}

/** EIP-2098: the parity of v in the highest bit of s. */
function compact(signature: Hex): Hex {
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  const parity = signature.endsWith("1c") ? 1n << 255n : 0n;
  return `0x${signature.slice(2, 66)}${(s | parity).toString(16).padStart(64, "0")}`;
}

/** ERC-6492: factory, call and signature, and the mark at the end. */
function wrapped(factory: Hex): Hex {
  const inner = encodeAbiParameters(parseAbiParameters("address, bytes, bytes"), [
    factory,
    "0x12345678",
    `0x${"11".repeat(65)}`,
  ]);
  return `${inner}${"6492".repeat(16)}`;
}

/**
 * An account with money that has delegated to a contract without ERC-1271 (EIP-7702): its key's signature recovers to it, and the token
 * asks the contract instead. Only where the chain is the tester's.
 */
async function delegatedAccount({ payer }: Context): Promise<LocalAccount | undefined> {
  const { money, fund } = payer;
  if (!money || !fund) return undefined;
  const account = newStranger();
  await fund(account.address, 1_000_000_000n);
  const { client, asset } = money.chain;
  await client.request<{ Method: string; Parameters: unknown[]; ReturnType: unknown }>({
    method: "anvil_setCode",
    params: [account.address, `0xef0100${asset.address.slice(2)}`],
  });
  return account;
}

export const SIGNATURE_CASES: readonly Case[] = [
  {
    ...common,
    id: "SIG-01",
    title: "A signature of zeros is refused",
    level: "must",
    basis: coreV2Flows(
      "6.1",
      "at least one check — a verify or settle before the resource — MUST run before the resource executes. The resource never executes with nothing checked.",
    ),
    run: (context) =>
      refusesAll(context, { "65 zero bytes": { signature: () => `0x${"00".repeat(65)}` } }),
  },
  {
    ...common,
    id: "SIG-02",
    title: "A signature of random bytes is refused",
    level: "stated",
    basis: verified,
    run: (context) =>
      refusesAll(context, {
        "65 random bytes": {
          signature: (right) => `0x1b${right.slice(2, 130)}`,
        },
      }),
  },
  {
    ...common,
    id: "SIG-03",
    title: "Another key's signature is refused",
    level: "stated",
    basis: verified,
    gains:
      "Whoever knows an address that holds money buys in its name; nothing can be settled, and the goods are gone.",
    mend: `Recover the signer of the typed data and compare it with authorization.from,
or let the facilitator's /verify do it and go on only where isValid is true.`,
    run: (context) => refusesAll(context, { "a stranger's signature": { signer: newStranger() } }),
  },
  {
    ...common,
    id: "SIG-04",
    title: "The malleable twin of a signature is refused, or is the same payment",
    level: "policy",
    basis: policy(
      "The token refuses s in the upper half (EIP-2); a server that takes it for another payment sells twice.",
    ),
    gains:
      "Where payments are remembered by their signature, each can be turned into a second one by anybody who saw it, without a key.",
    mend: `Remember payments by (asset, from, nonce), never by the signature's text;
refuse s above half of the curve's order, as the token does.`,
    run: (context) => refusesAll(context, { "a signature with a high s": { signature: highS } }),
  },
  {
    ...common,
    id: "SIG-05",
    title: "Signatures of odd length are refused",
    level: "advice",
    severity: "medium",
    payments: 2,
    basis: policy(
      "66 bytes and none are no signature. EIP-2098's 64 bytes, and v as 0 or 1, are spellings of a right one that EIP-3009 does not take: whoever reads them and settles is not wrong.",
    ),
    gains:
      "A payment that cannot be settled is worked for, or one of a careless wallet ends in a crash.",
    mend: "Match ^0x[0-9a-f]{130}$ before anything else, or bring v to 27 or 28 before you settle.",
    async run(context) {
      const first = await refusesAll(context, {
        "an empty signature": { signature: () => "0x" },
        "66 bytes": { signature: (right) => `${right}00` },
        "one byte": { signature: () => "0x01" },
      });
      const { money } = context.payer;
      if (first.kind !== "holds") return first;
      // Other spellings of a right signature: the token wants v as 27 or 28. Who knows them may take them, and must be paid then.
      const spellings = {
        "v as 0 or 1": (right: Hex): Hex =>
          `0x${right.slice(2, 130)}0${Number(right.endsWith("1c"))}`,
        "EIP-2098's 64 bytes": compact,
      };
      const told: string[] = [];
      for (const [what, signature] of Object.entries(spellings)) {
        const { header, fields } = await makePayment(context, await askPrice(context), {
          signature,
        });
        const exchange = await context.ask({ headers: [header] }, { alone: true });
        const end = exchange.answer?.status ?? exchange.failure;
        const paid = money ? await isUsed(money, fields.from, fields.nonce) : false;
        if (isGrant(exchange) !== paid)
          return broken(`${what}: ${end}, ${paid ? "and paid" : "not paid"}.`);
        if (typeof end !== "number" || end >= 500) return noted(`${what}: ${end}.`);
        told.push(`${what}: ${end}${paid ? ", and paid" : ""}`);
      }
      return holds(`${first.seen} ${told.join("; ")}.`);
    },
  },
  {
    ...common,
    id: "SIG-06",
    title: "Signatures that a contract would have to confirm are refused where none does",
    level: "policy",
    severity: "high",
    basis: policy(
      "ERC-6492 has the verifier deploy a contract of the payer's choosing, and ERC-1271 has it ask one: both are the payer's code. An account that has delegated (EIP-7702) counts as a contract too.",
    ),
    gains:
      "A wrapped signature is taken unverified, or the facilitator pays for the payer's own deployments.",
    mend: "Let the facilitator simulate the whole settlement before the work, and believe its answer alone.",
    async run(context) {
      const delegated = await delegatedAccount(context);
      return refusesAll(context, {
        "an ERC-6492 wrapper around nothing": { signature: () => wrapped(newStranger().address) },
        "a contract as payer, with somebody's signature": ({ domain }) => ({
          signer: newStranger(),
          fields: { from: domain.verifyingContract },
        }),
        ...(delegated && {
          "an account that has delegated to a contract, with its own key's signature": {
            signer: delegated,
            fields: { from: delegated.address },
          },
        }),
      });
    },
  },
  {
    ...common,
    id: "SIG-07",
    title: "A signature for receiveWithAuthorization is refused",
    level: "stated",
    basis: exactEvm(
      "`X-Payment` header payload",
      "`signature`: The signature of the `EIP-3009` `transferWithAuthorization` operation.",
    ),
    gains:
      "A signature that the buyer gave for another call, which only the recipient may make, is worked for and cannot be settled as promised.",
    mend: "Verify under the primary type TransferWithAuthorization and no other.",
    run: (context) =>
      refusesAll(context, { "another EIP-712 type": { primaryType: "ReceiveWithAuthorization" } }),
  },
];
