/** Group B, third part: what each offer of an x402 challenge says. */
import { type Case, holds, skipped } from "../case.ts";
import { coreV2, coreV2Flows, exactEvm } from "../basis.ts";
import { type Address, domainSeparator, type PublicClient } from "viem";
import { TOKEN_ABI } from "../../chain/index.ts";
import { findAsset } from "../../protocol/asset.ts";
import type { OfferedTerms } from "../read/challenge.ts";
import { isObject, show } from "../read/json.ts";
import { inEach, judge, X402, X402_V2 } from "./judge.ts";
import { addressProblem, DECIMAL_INTEGER, NETWORK_V1 } from "./offer-grammar.ts";

const FLOWS: readonly unknown[] = ["authorization", "upfront", "escrow"];

export const OFFER_CASES: readonly Case[] = [
  {
    id: "CHAL-08",
    title: "Every offer has its required fields, of the right type",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2.says(
      "5.1.2",
      "scheme, network, amount, asset, payTo: `string`, Required; maxTimeoutSeconds: `number`, Required",
    ),
    gains: "Strict clients refuse the whole challenge, not only the entry.",
    mend: "Amounts are strings and maxTimeoutSeconds is a number; send all six.",
    async run({ challenge }) {
      const { entries } = await challenge();
      const problems = inEach(entries, "accepts", (entry) => {
        if (!isObject(entry)) return `is ${show(entry)}`;
        const wrong = ["scheme", "network", "amount", "asset", "payTo"].filter(
          (name) => typeof entry[name] !== "string",
        );
        if (typeof entry["maxTimeoutSeconds"] !== "number") wrong.push("maxTimeoutSeconds");
        return wrong.length > 0 ? `lacks or mistypes ${wrong.join(", ")}` : undefined;
      });
      return judge(problems, "All six fields in each.");
    },
  },
  {
    id: "CHAL-09",
    title: "Every network is named as its protocol version names it",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402,
    basis: coreV2(
      "11.1",
      "Networks in x402 v2 use CAIP-2 (Chain Agnostic Improvement Proposal) format: `namespace:reference`.",
    ),
    gains: "Clients do not find the network and cannot pay.",
    mend: "Write eip155:8453 and not base in version 2; base and not eip155:8453 in version 1.",
    async run({ challenge, profile }) {
      const grammar = profile === "x402-v2" ? /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/ : NETWORK_V1;
      const { offers } = await challenge();
      const problems = inEach(offers, "accepts", ({ network }) =>
        typeof network === "string" && grammar.test(network) ? undefined : `is on ${show(network)}`,
      );
      return judge(problems, offers.map(({ network }) => String(network)).join(", "));
    },
  },
  {
    id: "CHAL-10",
    title: "Every amount is a plain whole number of atomic units",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402,
    basis: coreV2("5.1.2", "Required payment amount in atomic token units"),
    gains:
      'Parsers disagree on what "1e4", "0x10" or "10.0" is: one checks a small price and another signs a large one.',
    mend: 'Write digits only, no leading zero: "10000". Compute in integers; 0.1 * 10 ** 6 is not one.',
    cwe: 20,
    async run({ challenge }) {
      const { offers } = await challenge();
      const problems = inEach(offers, "accepts", ({ amount }) =>
        typeof amount === "string" && DECIMAL_INTEGER.test(amount)
          ? undefined
          : `asks ${show(amount)}`,
      );
      return judge(problems, offers.map(({ amount }) => show(amount)).join(", "));
    },
  },
  {
    id: "CHAL-14",
    title: "Asset and recipient are addresses of their network",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402,
    basis: coreV2("5.1.2", 'Recipient wallet address or role constant (e.g., "merchant")'),
    gains: "Money sent to a mistyped address is gone. A wrong EIP-55 checksum is how a typo shows.",
    mend: "Copy the address again, with its checksum, and give each network its own.",
    async run({ challenge }) {
      const { offers } = await challenge();
      const problems = inEach(offers, "accepts", ({ network, asset, payTo }) => {
        const wrong =
          addressProblem("asset", asset, network) ?? addressProblem("payTo", payTo, network);
        return wrong;
      });
      return judge(problems, "Well-formed.");
    },
  },
  {
    id: "CHAL-19",
    title: "extra carries the token's EIP-712 name and version",
    level: "stated",
    severity: "high",
    ring: 0,
    profiles: X402,
    basis: exactEvm.says(
      "1",
      "extra.name and extra.version are the token's EIP-712 domain, which the client signs under",
    ),
    gains:
      'Every signature made from it is refused on chain: nobody can pay. USDC is called "USDC" on Base Sepolia and "USD Coin" on Base.',
    mend: "Read name() and version() of the token, and send them as extra: { name, version }.",
    async run({ challenge, reader }) {
      const { offers } = await challenge();
      const evm = offers.filter(
        ({ scheme, network, raw }) =>
          scheme === "exact" &&
          /^(eip155:|base)/.test(String(network)) &&
          methodOf(raw) !== "permit2",
      );
      if (evm.length === 0) return skipped("No exact offer on an EVM network.");
      const problems = inEach(evm, "accepts", ({ raw, network, asset }) => {
        const extra = isObject(raw["extra"]) ? raw["extra"] : {};
        const { name, version } = extra as { name?: unknown; version?: unknown };
        if (typeof name !== "string" || typeof version !== "string")
          return "has no extra.name or extra.version";
        const known = findAsset(String(network), String(asset));
        if (!known || (known.eip712.name === name && known.eip712.version === version))
          return undefined;
        return `says ${show([name, version])}, but the token on ${known.networkName} is ${show([known.eip712.name, known.eip712.version])}`;
      });
      if (problems.length > 0 || !reader)
        return judge(problems, "Given, and right where we know the token; --rpc asks the token.");
      const chainId = await reader.getChainId();
      let asked = 0;
      for (const offer of evm) {
        const own = await ownSeparator(reader, offer, chainId);
        if (own === undefined) continue;
        asked += 1;
        if (own !== "same") problems.push(`the token on chain ${chainId} says: ${own}`);
      }
      return judge(
        problems,
        `Given, and the same as ${asked} of ${evm.length} tokens say on chain.`,
      );
    },
  },
  {
    id: "CHAL-20",
    title: "A payment flow other than authorization is one that exists",
    level: "must",
    severity: "high",
    ring: 0,
    profiles: X402_V2,
    basis: coreV2Flows(
      "6.1",
      "A mechanism selecting a non-default flow MUST signal it to the client on the wire via `extra.paymentFlow`",
    ),
    gains:
      "The buyer pays before the work without having been told, or refuses what it does not know.",
    mend: "Set extra.paymentFlow to authorization, upfront or escrow.",
    async run({ challenge }) {
      const { offers } = await challenge();
      const flows = offers.map(({ raw }) =>
        isObject(raw["extra"]) ? raw["extra"]["paymentFlow"] : undefined,
      );
      if (flows.every((flow) => flow === undefined)) return holds("Not given: authorization.");
      const problems = inEach(flows, "accepts", (flow) =>
        flow === undefined || FLOWS.includes(flow) ? undefined : `has ${show(flow)}`,
      );
      return judge(problems, flows.map((flow) => show(flow)).join(", "));
    },
  },
];

/** Whether the token's own domain separator is the one that a buyer would sign under; undefined where it is not to be read here. */
async function ownSeparator(
  reader: PublicClient,
  { network, asset, raw }: OfferedTerms,
  chainId: number,
): Promise<string | undefined> {
  const known = findAsset(String(network), String(asset))?.chainId;
  const named = Number(/^eip155:(\d{1,15})$/.exec(String(network))?.[1]);
  if ((known ?? named) !== chainId || !/^0x[0-9a-fA-F]{40}$/.test(String(asset))) return undefined;
  const verifyingContract = asset as Address;
  const own = await reader
    .readContract({
      address: verifyingContract,
      abi: TOKEN_ABI,
      functionName: "DOMAIN_SEPARATOR",
    })
    .catch(() => undefined);
  if (own === undefined) return undefined;
  const { name, version } = raw["extra"] as { name: string; version: string };
  return own === domainSeparator({ domain: { name, version, chainId, verifyingContract } })
    ? "same"
    : `its domain is not ${show([name, version])}`;
}

function methodOf(raw: Readonly<Record<string, unknown>>): unknown {
  return isObject(raw["extra"]) ? raw["extra"]["assetTransferMethod"] : undefined;
}
