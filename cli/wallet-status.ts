/** `purser wallet status`: what it holds, what is spent and what is unknown, its signer's limits, and what that is kept from. */
import { formatDecimal } from "../protocol/index.ts";
import type { JoinedWallet } from "../scenarios/index.ts";
import { isOpen } from "../store/index.ts";
import type { Finding } from "./wallet.ts";

export async function findStatus({
  wallet,
  ledger,
  chain,
  asset,
  signer,
}: JoinedWallet): Promise<Finding> {
  const usd = (amount: bigint) => formatDecimal(amount, asset.decimals);
  const entries = await ledger.list();
  const sum = (included: (entry: (typeof entries)[number]) => boolean) =>
    usd(entries.filter(included).reduce((total, { amount }) => total + amount, 0n));
  const { maxPerCall, maxPerProviderMonth, maxPerMonth } = signer.limits;
  const { month, total } = await signer.signed();
  const result = {
    address: wallet.address,
    network: asset.network,
    asset: asset.symbol,
    balance: usd(await chain.balanceOf(wallet.address)),
    settled: sum(({ state }) => state === "settled"),
    open: sum(({ state }) => isOpen(state)),
    unknown: sum(({ state }) => state === "unknown"),
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
  ];
  return { result, lines, passed: true };
}
