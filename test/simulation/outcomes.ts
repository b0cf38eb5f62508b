/** What a paying call answered, held against what happened: "refused" says that nothing was paid, "undelivered" that something was. */
import type { PayOutcome } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC, type TraceEvent } from "../../protocol/index.ts";
import { signatureOf } from "./signer-double.ts";
import { expect } from "./watch.ts";
import type { World } from "./world.ts";

/** Throws `Broken`; returns the outcome in a word or two. */
export function checkOutcome(world: World, outcome: PayOutcome, call: string): string {
  const { watch, plan, file } = world;
  const sent = [...(watch.leftByCall.get(call) ?? [])];
  const live = sent.filter((nonce) => file.durable.get(nonce)?.startsWith("released") !== true);
  if (outcome.kind === "refused") {
    const { code } = outcome.error;
    expect("O1", live.length === 0, `${call} is refused as ${code}, and it sent ${live[0]}`);
    expect("I13", !isTold(world, JSON.stringify(outcome.error)), `${call} tells a payment's bytes`);
    return `refused ${code}`;
  }
  const { record } = outcome;
  if (record === undefined) {
    expect("O1", live.length === 0, `${call} was free, and it sent ${live[0]}`);
    return "free";
  }
  if (record.state === "settled") {
    // Of the purchase: another call may have paid for it meanwhile.
    const [row] = file.ask<{ nonce: string }>(
      "SELECT nonce FROM auth WHERE purchase = ? ORDER BY epoch DESC LIMIT 1",
      record.id,
    );
    const { nonce } = row!;
    expect("O2", file.durable.get(nonce) === "settled", `${call} says that ${nonce} is settled`);
    // What a reorganisation takes back stays settled in the book: too much is counted, never too little.
    const moved = plan.rates.reorg > 0 || watch.transfers.has(nonce);
    expect("O2", moved, `${call} says that ${nonce} is settled, and no money moved`);
  }
  if (outcome.kind === "undelivered") {
    expect("O2", record.state === "settled", `${call} paid, says the outcome; ${record.state}`);
  }
  expect("I9", record.asset === BASE_SEPOLIA_USDC.address, `${call} paid in ${record.asset}`);
  return `${outcome.kind} ${record.state}`;
}

/** Whoever is told that waiting was given up, by an error, has paid nothing. */
export function checkAbort({ watch, file }: World, call: string): void {
  for (const nonce of watch.leftByCall.get(call) ?? []) {
    const dead = file.durable.get(nonce)?.startsWith("released") === true;
    expect("O1", dead, `${call} was given up, and it sent ${nonce}`);
  }
}

/** I13 */
export function checkTrace(world: World, event: TraceEvent): void {
  expect(
    "I13",
    !isTold(world, JSON.stringify(event)),
    `a ${event.type} event tells a payment's bytes`,
  );
}

function isTold({ watch }: World, text: string): boolean {
  const bytes = [...watch.left.values()].map((left) => left.bytes.slice(-60));
  const signatures = [...watch.signed.values()].map((intent) => signatureOf(intent.authorization));
  return [...bytes, ...signatures].some((secret) => text.includes(secret));
}
