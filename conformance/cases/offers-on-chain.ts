/** Group B, sixth part: whether what an offer names is on the chain what it says. It needs an RPC server, or the ring that pays. */
import type { Address, PublicClient } from "viem";
import { TOKEN_ABI } from "../../chain/index.ts";
import { type Case, holds, type Outcome, skipped } from "../case.ts";
import { policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { findAsset } from "../../protocol/asset.ts";
import type { OfferedTerms } from "../read/challenge.ts";
import { DECIMAL_INTEGER } from "./offer-grammar.ts";
import { judge } from "./judge.ts";

const common = { ring: 0, profiles: ["x402-v2", "x402-v1", "mpp"], level: "policy" } as const;
/** A price of more whole tokens than this is a unit that was mistaken. */
const MOST_TOKENS = 100_000n;

export const CHAIN_CASES: readonly Case[] = [
  {
    ...common,
    id: "CHAL-13",
    title: "The price is made with the token's own decimals",
    severity: "critical",
    basis: policy(
      "Atomic units of 18 decimals, asked for in a token of 6, are a million million times the price.",
    ),
    gains: "An agent with a high cap pays a fortune; every other one refuses.",
    mend: "Read decimals() of the token, and multiply the price by 10 to that power, in integers.",
    run: (context) =>
      onChain(context, async ({ client, token, offer }) => {
        const decimals = await client
          .readContract({ address: token, abi: TOKEN_ABI, functionName: "decimals" })
          .catch(() => undefined);
        if (decimals === undefined) return `names a token that has no decimals(): ${token}`;
        const known = findAsset(String(offer.network), token);
        if (known && known.decimals !== decimals)
          return `is in ${known.symbol}, whose decimals are ${decimals} and not ${known.decimals}`;
        const amount = String(offer.amount);
        if (!DECIMAL_INTEGER.test(amount) || amount.length > 78) return undefined;
        const whole = BigInt(amount) / 10n ** BigInt(decimals);
        return whole > MOST_TOKENS
          ? `asks ${whole} whole tokens: was it made with other decimals than ${decimals}?`
          : undefined;
      }),
  },
  {
    ...common,
    id: "CHAL-15",
    title: "The token is a contract that knows EIP-3009",
    severity: "high",
    basis: policy(
      "exact on EVM is settled by transferWithAuthorization; where nothing answers authorizationState, nothing can be settled.",
    ),
    gains:
      "No payment can be settled, or worse: a call to an address without code succeeds and moves nothing, and the goods are gone.",
    mend: "Set asset to the token's contract on this very network; the address differs from network to network.",
    cwe: 345,
    run: (context) =>
      onChain(context, async ({ client, token }) => {
        const code = await client.getCode({ address: token });
        if (code === undefined) return `names ${token}, where there is no contract`;
        const args = [token, `0x${"00".repeat(32)}`] as const;
        const knows = await client
          .readContract({
            address: token,
            abi: TOKEN_ABI,
            functionName: "authorizationState",
            args,
          })
          .then(() => true)
          .catch(() => false);
        return knows ? undefined : `names ${token}, which has no authorizationState()`;
      }),
  },
];

interface OnChain {
  client: PublicClient;
  token: Address;
  offer: OfferedTerms;
}

/** Looks at each offer of `exact` on the chain that is read. */
async function onChain(
  { challenge, reader }: Context,
  problemOf: (of: OnChain) => Promise<string | undefined>,
): Promise<Outcome> {
  if (!reader) return skipped("Give --rpc with an RPC server of the network to look at its token.");
  const { offers } = await challenge();
  const chainId = await reader.getChainId();
  const here = offers.filter(({ network, asset, scheme }) => {
    const known = findAsset(String(network), String(asset))?.chainId;
    const named = Number(/^eip155:(\d{1,15})$/.exec(String(network))?.[1]);
    return (scheme === "exact" || scheme === "charge") && (known ?? named) === chainId;
  });
  const tokens = here.filter(({ asset }) => /^0x[0-9a-fA-F]{40}$/.test(String(asset)));
  if (tokens.length === 0) return skipped(`No offer on chain ${chainId}, which --rpc is of.`);
  const problems: string[] = [];
  for (const [at, offer] of tokens.entries()) {
    const problem = await problemOf({ client: reader, token: offer.asset as Address, offer });
    if (problem !== undefined) problems.push(`offer ${at + 1} ${problem}`);
  }
  return problems.length > 0
    ? judge(problems, "")
    : holds(
        `${tokens.length} offer${tokens.length === 1 ? "" : "s"} looked at on chain ${chainId}.`,
      );
}
