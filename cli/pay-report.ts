/** How `purser pay` ends: the provider's answer to stdout, what was paid to stderr; or all of it as one JSON object. */
import type { Look, PayOutcome } from "../middleware/index.ts";
import { formatDecimal, type PurchaseRecord, PurserError } from "../protocol/index.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain, type Terminal } from "./terminal.ts";

const DECIMALS = 6;

/** What it would cost: nothing was paid. */
export async function showPrice(
  look: Look,
  { terminal, json }: Pick<Surroundings, "terminal" | "json">,
) {
  if (look.kind === "free") return deliver(look.response, undefined, { terminal, json });
  const { url } = look;
  const offers = look.offers.map((offer) => ({
    protocol: "mpp" in offer ? "mpp" : `x402 v${offer.x402Version}`,
    amount: formatDecimal(offer.amount, DECIMALS),
    asset: offer.asset,
    network: offer.network,
    payTo: offer.payTo,
  }));
  if (json)
    terminal.out(JSON.stringify({ passed: true, kind: "priced", url, offers }, undefined, 2));
  else {
    terminal.note(`${plain(url)} asks for a payment. Nothing was paid.`);
    for (const { protocol, amount, payTo, network } of offers) {
      terminal.out(`${amount} to ${payTo} on ${plain(network, 64)} (${protocol})`);
    }
  }
  return EXIT.passed;
}

/** What came of the payment. */
export async function reportOutcome(
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
  if (json)
    terminal.out(JSON.stringify({ passed: false, kind, status, key, payment }, undefined, 2));
  else {
    terminal.note(
      kind === "unknown"
        ? "A payment has left, and the chain has not said yet whether it moved."
        : "The money has moved, and the provider does not deliver.",
    );
    if (status !== null) terminal.note(`The answer's status is ${status}.`);
    terminal.note(`Ask again for the same with --key ${plain(key)}: nothing more is paid.`);
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
    const result = {
      passed: response.ok,
      kind: "delivered",
      status,
      headers,
      body,
      ...(payment ? { payment } : {}),
    };
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
