/** `purser wallet status`: what it holds, what is spent and what is unknown, its signer's limits, and what that is kept from. */
import { formatDecimal } from "../protocol/index.ts";
import type { JoinedWallet } from "../scenarios/index.ts";
import { isOpen } from "../store/index.ts";
import type { Finding, WalletFlags } from "./wallet.ts";

export async function findStatus(
  { wallet, ledger, chain, asset, signer }: JoinedWallet,
  flags: WalletFlags,
): Promise<Finding> {
  const usd = (amount: bigint) => formatDecimal(amount, asset.decimals);
  const entries = await ledger.list();
  const sum = (included: (entry: (typeof entries)[number]) => boolean) =>
    usd(entries.filter(included).reduce((total, { amount }) => total + amount, 0n));
  const { maxPerCall, maxPerProviderMonth, maxPerMonth } = signer.limits;
  const { month, total } = await signer.signed();
  const aheadOfChainSeconds = Math.floor(Date.now() / 1000) - Number(await chain.now());
  const result = {
    address: wallet.address,
    network: asset.network,
    asset: asset.symbol,
    balance: usd(await chain.balanceOf(wallet.address)),
    settled: sum(({ state }) => state === "settled"),
    open: sum(({ state }) => isOpen(state)),
    unknown: sum(({ state }) => state === "unknown"),
    clock: { aheadOfChainSeconds },
    signer: {
      process: "its own",
      keptFrom: signer.restrictions,
      limits: {
        maxPerCall: usd(maxPerCall),
        maxPerProviderMonth: usd(maxPerProviderMonth),
        maxPerMonth: usd(maxPerMonth),
      },
      signed: { month, total: usd(total) },
    },
  };
  const { limits } = result.signer;
  const lines = [
    `${result.address} holds ${result.balance} ${result.asset} on ${result.network}.`,
    `Settled: ${result.settled}. Open, and counted as spent: ${result.open} (of which unknown: ${result.unknown}).`,
    `The signer signs at most ${limits.maxPerCall} a payment, ${limits.maxPerProviderMonth} a provider's month and ${limits.maxPerMonth} a month; it has signed ${usd(total)} in ${month}.`,
    `The key is in a process of its own, which Node keeps from: ${signer.restrictions.join(", ")}.`,
    // The local world's chain makes a block when something happens there, and is behind otherwise.
    ...(flags.wallet === undefined ? [] : clockLines(aheadOfChainSeconds)),
  ];
  return { result, lines, passed: true };
}

/** More than a chain's blocks lie apart, and a good deal less than what makes a payment's window twice as long. */
const NOTABLE_SECONDS = 60;

/** What is to be known of a clock that is not the chain's: a payment is signed to be good until some time after the later of the two. */
export function clockLines(ahead: number): string[] {
  if (Math.abs(ahead) <= NOTABLE_SECONDS) return [];
  const [side, seconds] = ahead > 0 ? ["ahead of", ahead] : ["behind", -ahead];
  return [
    `This machine's clock is ${seconds} s ${side} the chain's newest block, so a payment stays good for that much longer. Set the clock, unless the chain makes no blocks or its server lags.`,
  ];
}
