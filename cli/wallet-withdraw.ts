/**
 * `purser wallet withdraw`: USDC from the wallet to an address that a person gives. It is a payment like every other, from the
 * reservation to the proof, so the book explains it; a facilitator sends it and pays the gas. What is still open stays untouched.
 */
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { decodeJson, formatDecimal, type Offer, type PurchaseRecord } from "../protocol/index.ts";
import type { JoinedWallet } from "../scenarios/index.ts";
import { isOpen } from "../store/index.ts";
import { readAddress, readAmount, readUrl } from "./arguments.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import { openPayingWallet, type OpenWalletFlags } from "./open-wallet.ts";
import type { Surroundings } from "./surroundings.ts";

export interface WithdrawFlags extends OpenWalletFlags {
  facilitator?: string;
  max?: string;
  key?: string;
  yes?: true;
}

const SETTLE_TIMEOUT_MS = 60_000;
const WITHOUT_LIMIT = 10n ** 18n;

export async function withdrawCommand(
  [toText, amountText]: readonly [string, string],
  flags: WithdrawFlags,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal, json, env } = surroundings;
  const to = readAddress(toText);
  const amount = readAmount(amountText);
  const max = flags.max === undefined ? undefined : readAmount(flags.max);
  const facilitator = readUrl("--facilitator", flags.facilitator ?? env["FACILITATOR_URL"] ?? "");
  const key = flags.key ?? `cli-${randomUUID()}`;
  await using joined = await openPayingWallet(flags, surroundings);
  const { asset, wallet } = joined;
  const usd = (atomic: bigint) => formatDecimal(atomic, asset.decimals);
  if (amount > (max ?? (asset.mainnet ? 0n : amount))) {
    throw new UsageError("MAINNET_NOT_ALLOWED", {
      problem: `${usd(amount)} is above the most that may be withdrawn${max === undefined ? ", which was not given" : ""}.`,
      nextStep: "Give --max with at least that amount, if it is meant.",
    });
  }
  if ((await wallet.find(`withdrawal:${key}`)) === undefined) {
    await requireRoom(joined, amount);
    const question = `Send ${usd(amount)} ${asset.symbol} on ${asset.networkName} from ${wallet.address} to ${to}?`;
    await requireConsent(question, flags, surroundings);
  }
  const record = await withdraw(joined, { to, amount, key, facilitator });
  const passed = record.state === "settled" || record.state === "claimed";
  const { state, transaction } = record;
  if (json) {
    const result = { passed, to, amount: usd(amount), state, transaction, key };
    terminal.out(JSON.stringify(result, undefined, 2));
  } else {
    terminal.out(`${usd(amount)} ${asset.symbol} to ${to}: ${state} ${transaction ?? ""}`.trim());
    if (!passed) terminal.note(`Ask again with --key ${key}: nothing more is sent.`);
  }
  return passed ? EXIT.passed : EXIT.notPassed;
}

/** What is open may still leave, so it is not there to be withdrawn. */
async function requireRoom({ wallet, ledger, chain, asset }: JoinedWallet, amount: bigint) {
  const open = (await ledger.list()).filter(({ state }) => isOpen(state));
  const held = open.reduce((sum, entry) => sum + entry.amount, 0n);
  const balance = await chain.balanceOf(wallet.address);
  if (amount <= balance - held) return;
  const [have, kept] = [balance, held].map((atomic) => formatDecimal(atomic, asset.decimals));
  throw new UsageError("USAGE", {
    problem: `The wallet holds ${have}, of which ${kept} is open and may still be spent.`,
    nextStep: "Withdraw no more than the rest, or reconcile first.",
  });
}

async function requireConsent(
  question: string,
  { yes }: WithdrawFlags,
  { terminal, signal }: Surroundings,
): Promise<void> {
  if (yes) return;
  if (terminal.interactive) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await lines.question(`${question} [y/N] `, { signal });
    lines.close();
    if (/^\s*(y|yes)\s*$/i.test(answer)) return;
  }
  throw new UsageError("USAGE", {
    problem: "Nobody has said yes to the withdrawal. Nothing was signed.",
    nextStep: "Answer yes, or give --yes.",
  });
}

interface Withdrawal {
  to: `0x${string}`;
  amount: bigint;
  key: string;
  facilitator: string;
}

async function withdraw(
  { wallet, asset }: JoinedWallet,
  { to, amount, key, facilitator }: Withdrawal,
): Promise<PurchaseRecord> {
  const { network, address, eip712 } = asset;
  const terms = { scheme: "exact", network, maxTimeoutSeconds: 120 };
  const raw = { ...terms, asset: address, payTo: to, amount: amount.toString(), extra: eip712 };
  const resource = `purser:withdrawal/${encodeURIComponent(key)}`;
  const offer: Offer = {
    ...terms,
    x402Version: 2,
    asset: address,
    payTo: to,
    amount,
    resource,
    raw,
  };
  const record = await wallet.authorize({
    purchase: `withdrawal:${key}`,
    quote: {
      provider: "withdrawal",
      service: "wallet/withdrawal",
      request: { method: "POST", url: resource },
      maxAmount: amount,
      currency: "usd",
      payTo: [to],
      assets: [asset],
    },
    offer,
    // It is not spent, so it counts by itself and no cap refuses it; the signer's own limits hold.
    scopes: [{ name: "withdrawals", kind: "budget", max: WITHOUT_LIMIT, perMonth: false }],
  });
  if (!record.payment) return record;
  const answer = await settle(facilitator, {
    x402Version: 2,
    paymentPayload: decodeJson(record.payment.value),
    paymentRequirements: raw,
  });
  return wallet.report(record.id, answer);
}

/** What the facilitator says is a claim; the wallet looks at the chain. */
async function settle(url: string, body: object) {
  try {
    const response = await fetch(`${url}/settle`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(SETTLE_TIMEOUT_MS),
    });
    const { success, transaction } = (await response.json()) as Record<string, unknown>;
    const claim = success === true && typeof transaction === "string" ? { transaction } : {};
    return { status: response.status, ...claim };
  } catch {
    return { status: null };
  }
}
