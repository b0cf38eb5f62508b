/** `purser pay`: one request, paid for from the local world's wallet where it has to be, within what the command line allows. */
import { randomUUID } from "node:crypto";
import { createPayer, lookAtPrice, type Look, type PayOutcome } from "../middleware/index.ts";
import { formatDecimal, type PurchaseRecord, PurserError } from "../protocol/index.ts";
import { joinWallet } from "../scenarios/index.ts";
import { readAddress, readAmount, readUrl } from "./arguments.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import { readHeaders } from "./header-lines.ts";
import type { PayFlags } from "./program.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain, type Terminal } from "./terminal.ts";
import { worldFolder } from "./wallet.ts";

const DECIMALS = 6;

export async function payCommand(
  text: string,
  flags: PayFlags,
  { terminal, json, cwd, signal }: Surroundings,
): Promise<ExitCode> {
  readUrl("The URL", text);
  const max = flags.max === undefined ? undefined : readAmount(flags.max);
  if (max === undefined && !flags.dryRun) {
    throw new UsageError("USAGE", {
      problem: "It is not said how much may be paid.",
      nextStep:
        "Give --max with an amount of dollars, such as --max 0.05, or look first with --dry-run.",
    });
  }
  const key = flags.key ?? `cli-${randomUUID()}`;
  const init: RequestInit = { ...readInit(flags, key), signal };
  const look = await lookAtPrice(text, init, { local: true });
  if (look.kind === "free" || max === undefined) return show(look, { terminal, json });
  const payees = flags.payee === undefined ? payeesOf(look) : [readAddress(flags.payee)];
  await using joined = await joinWallet(worldFolder(flags.world, cwd));
  const { hostname, origin } = new URL(look.url);
  const limit = formatDecimal(max, DECIMALS);
  const pay = createPayer({
    wallet: joined.wallet,
    scope: "cli",
    policy: {
      providers: [{ id: idOf(hostname), origins: [origin], payees }],
      maxPerCall: limit,
      local: true,
    },
  });
  const outcome = await pay(text, init);
  return await report(outcome, key, { terminal, json });
}

/** The cheapest offer's recipient: whoever answers for the origin that was typed. It is held to from here on. */
function payeesOf({ offers }: Extract<Look, { kind: "priced" }>): string[] {
  return offers.slice(0, 1).map(({ payTo }) => payTo);
}

function readInit({ request, header, data }: PayFlags, key: string): RequestInit {
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

async function show(look: Look, { terminal, json }: Pick<Surroundings, "terminal" | "json">) {
  if (look.kind === "free") return deliver(look.response, undefined, { terminal, json });
  const { url } = look;
  const offers = look.offers.map((offer) => ({
    protocol: "mpp" in offer ? "mpp" : `x402 v${offer.x402Version}`,
    amount: formatDecimal(offer.amount, DECIMALS),
    asset: offer.asset,
    network: offer.network,
    payTo: offer.payTo,
  }));
  if (json) terminal.out(JSON.stringify({ kind: "priced", url, offers }, undefined, 2));
  else {
    terminal.note(`${plain(url)} asks for a payment. Nothing was paid.`);
    for (const { protocol, amount, payTo, network } of offers) {
      terminal.out(`${amount} to ${payTo} on ${plain(network, 64)} (${protocol})`);
    }
  }
  return EXIT.passed;
}

async function report(
  outcome: PayOutcome,
  key: string,
  { terminal, json }: { terminal: Terminal; json: boolean },
): Promise<ExitCode> {
  if (outcome.kind === "refused") {
    const { code, ...text } = outcome.error;
    throw new PurserError(code, text);
  }
  const payment = outcome.record && withoutBytes(outcome.record);
  if (outcome.kind === "delivered") {
    const { record } = outcome;
    if (record) terminal.note(`Paid ${record.amount} to ${record.payTo} (${record.state}).`);
    return deliver(outcome.response, payment, { terminal, json });
  }
  const { kind, status } = outcome;
  if (json) terminal.out(JSON.stringify({ kind, status, key, payment }, undefined, 2));
  else {
    terminal.note(
      kind === "unknown"
        ? "A payment has left, and the chain has not said yet whether it moved."
        : "The money has moved, and the provider does not deliver.",
    );
    terminal.note(`Ask again for the same with --key ${key}: nothing more is paid.`);
  }
  return EXIT.notPassed;
}

/** The provider's answer: its body to stdout, so that it can be piped. */
async function deliver(
  response: Response,
  payment: object | undefined,
  { terminal, json }: { terminal: Terminal; json: boolean },
): Promise<ExitCode> {
  const { status } = response;
  const body = await response.text();
  if (json) {
    const headers = Object.fromEntries(response.headers);
    const result = { kind: "delivered", status, headers, body, ...(payment ? { payment } : {}) };
    terminal.out(JSON.stringify(result, undefined, 2));
  } else {
    if (!response.ok) terminal.note(`The answer's status is ${status}.`);
    terminal.out(terminal.interactive ? withoutControls(body) : body);
  }
  return response.ok ? EXIT.passed : EXIT.notPassed;
}

/** The payment's bytes are a bearer capability, and are never shown. */
function withoutBytes(record: PurchaseRecord): object {
  return { ...record, payment: undefined };
}

/** A stranger's text for a terminal: lines and tabs stay, what moves the cursor or hides text does not. */
function withoutControls(text: string): string {
  return text.replace(/[^\n\t\P{C}]/gu, "");
}
