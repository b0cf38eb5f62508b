/** `purser pay`: one request, paid for from the local world's wallet where it has to be, within what the command line allows. */
import { randomUUID } from "node:crypto";
import { type Look, lookAtPrice } from "../middleware/fetch/look.ts";
import { createPayer } from "../middleware/fetch/payer.ts";
import { type Asset, findAsset, formatDecimal } from "../protocol/index.ts";
import { readAddress, readAmount, readUrl } from "./arguments.ts";
import { type ExitCode, UsageError } from "./exit.ts";
import { readHeaders } from "./header-lines.ts";
import { openPayingWallet, type OpenWalletFlags } from "./open-wallet.ts";
import { reportOutcome, showPrice } from "./pay-report.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain } from "./terminal.ts";

export interface PayFlags extends OpenWalletFlags {
  request?: string;
  header: string[];
  data?: string;
  max?: string;
  payee?: string;
  key?: string;
  dryRun?: true;
  local?: true;
}

const DECIMALS = 6;

export async function payCommand(
  text: string,
  flags: PayFlags,
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal, json, signal } = surroundings;
  readUrl("The URL", text);
  const max = flags.max === undefined ? undefined : readAmount(flags.max);
  if (max === undefined && !flags.dryRun) {
    throw new UsageError("USAGE", {
      problem: "It is not said how much may be paid.",
      nextStep:
        "Give --max with an amount of dollars, such as --max 0.05, or look first with --dry-run.",
    });
  }
  const request = readInit(flags);
  const init: RequestInit = { ...request, signal };
  const key = request.headers.get("idempotency-key") ?? "";
  // The world is on this machine; a wallet of its own may be worth more than a slip.
  const local = flags.wallet === undefined || flags.local === true;
  const look = await lookAtPrice(text, init, { local });
  if (look.kind === "free" || max === undefined || flags.dryRun === true) {
    return showPrice(look, { terminal, json });
  }
  const payee = flags.payee === undefined ? undefined : readAddress(flags.payee);
  await using joined = await openPayingWallet(flags, surroundings);
  const { asset, signer } = joined;
  const payees = payee === undefined ? payeesOf(look, asset) : [payee];
  const { hostname, origin } = new URL(look.url);
  const limit = formatDecimal(max, DECIMALS);
  await using pay = createPayer({
    wallet: joined.wallet,
    scope: "cli",
    policy: {
      providers: [
        {
          id: idOf(hostname),
          origins: [origin],
          payees,
          assets: [{ network: asset.network, address: asset.address }],
          ...capsOf(signer.limits.maxPerProviderMonth, flags),
        },
      ],
      maxPerCall: limit,
      ...capsOf(signer.limits.maxPerMonth, flags),
      mainnet: asset.mainnet,
      local,
    },
  });
  // A key of ours is known to nobody else, and whoever ends this program before its answer could not go on without it.
  if (key !== flags.key && !json)
    terminal.note(`If this is interrupted, go on with --key ${plain(key)}.`);
  const outcome = await pay(text, init);
  return await reportOutcome(outcome, key, { terminal, json });
}

/** The recipient of the cheapest offer in our token: whoever answers for the origin that was typed. It is held to from here on. */
function payeesOf({ offers }: Extract<Look, { kind: "priced" }>, asset: Asset): string[] {
  const isOurs = (offer: { network: string; asset: string }) =>
    findAsset(offer.network, offer.asset) === findAsset(asset.network, asset.address);
  const ours = offers.filter(isOurs);
  return (ours.length > 0 ? ours : offers).slice(0, 1).map(({ payTo }) => payTo);
}

/** A wallet of its own has the limits that were written at its import; the world's have what every policy has. */
function capsOf(max: bigint, { wallet }: PayFlags) {
  return wallet === undefined ? {} : { maxPerMonth: formatDecimal(max, DECIMALS) };
}

/** The request, whose `Idempotency-Key` is the purchase's: the header that was given, `--key`, or a new one. */
function readInit({ request, header, data, key = `cli-${randomUUID()}` }: PayFlags) {
  const headers = new Headers();
  for (const [name, value] of readHeaders(header)) headers.append(name, value);
  if (!headers.has("idempotency-key")) headers.set("idempotency-key", key);
  const method = request ?? (data === undefined ? "GET" : "POST");
  return { method, headers, ...(data === undefined ? {} : { body: data }) };
}

/** A provider's id in the caps: its host. */
function idOf(hostname: string): string {
  const id = hostname
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-")
    .replace(/^[^a-z0-9]+/, "");
  return (id || "host").slice(0, 50);
}
