/**
 * Watches what cannot be taken back: signatures, bytes that leave a process, money that moves. Each is held at that very moment
 * against the plan (what a person allowed) and against what of the book would survive a power failure.
 */
import type { SignIntent } from "../../middleware/index.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import type { Block, ChainWatcher, Transaction } from "./chain-double.ts";
import type { BookFile } from "./book-file.ts";
import { Broken, type History, short } from "./history.ts";
import { type Message, readPayment } from "./messages.ts";
import type { Plan } from "./plan.ts";
import type { Actor, Scheduler } from "./scheduler.ts";
import type { Row } from "./book-check.ts";
import { PAYER, signatureOf } from "./signer-double.ts";

const OUT = ["sent", "unknown", "claimed", "settled"];
/** The wallet's default, beyond which no authorization may be usable. */
const MAX_WINDOW_SECONDS = 120n;

interface Left {
  readonly bytes: string;
  /** Method, URL and body. */
  readonly target: string;
}

export class Watch implements ChainWatcher {
  readonly signed = new Map<string, SignIntent>();
  readonly left = new Map<string, Left>();
  /** The nonces that each call has sent. */
  readonly leftByCall = new Map<string, Set<string>>();
  readonly transfers = new Map<string, Transaction>();
  /** Signed a second time. */
  readonly #remade = new Set<string>();
  readonly #file: BookFile;
  readonly #plan: Plan;
  readonly #history: History;
  readonly #scheduler: Scheduler;
  /** The latest that any clock has shown, in Unix seconds. */
  #latest = 0n;

  constructor(options: { file: BookFile; plan: Plan; history: History; scheduler: Scheduler }) {
    this.#file = options.file;
    this.#plan = options.plan;
    this.#history = options.history;
    this.#scheduler = options.scheduler;
  }

  onSigned(actor: Actor, intent: SignIntent): void {
    const { authorization } = intent;
    const { network, asset } = intent.offer;
    const { from, to, value, nonce, validBefore } = authorization;
    this.#history.note(actor, `signs ${short(nonce)} ${value} for ${to.slice(0, 4)}`);
    const shop = this.#plan.shops.find(({ payTo }) => isSame(payTo, to));
    expect("I9", shop !== undefined, `${nonce} pays ${to}, whom nobody has named`);
    expect("I9", value > 0n && value <= this.#plan.ceiling, `${nonce} is over ${value}`);
    const { address } = BASE_SEPOLIA_USDC;
    const isOurs = isSame(asset, address) && isSame(from, PAYER);
    expect("I9", isOurs && network === BASE_SEPOLIA_USDC.network, `${nonce} is in another token`);
    this.noticeClock(actor);
    const window = validBefore - this.#latest;
    expect("I10", window <= MAX_WINDOW_SECONDS, `${nonce} is usable for ${window} seconds`);
    const before = this.signed.get(nonce)?.authorization;
    if (before) this.#remade.add(nonce);
    const isSameAgain = !before || signatureOf(before) === signatureOf(authorization);
    expect("I4", isSameAgain, `${nonce} is signed a second time, for something else`);
    const row = this.rowOf(nonce);
    // Reserved as sent, without bytes; what a failure has taken of them is made again, by two at once, and then one has kept them first.
    const isTaken =
      row !== undefined &&
      OUT.includes(row.state) &&
      (row.payment === null || before !== undefined);
    // A process whose clock is ahead may have taken the reservation for a dead one's: then this is never sent (I6).
    const isReplaced = row?.proof === "NEVER_SENT";
    const isReserved = row?.state === "signing" || isTaken || isReplaced;
    expect("C1", isReserved, `${nonce} is signed, and nothing is set aside for it`);
    this.signed.set(nonce, intent);
  }

  onLeave(actor: Actor, message: Message): void {
    const { method, url, body, headers } = message;
    const payment = readPayment(message);
    if (!payment) return this.#history.note(actor, `asks ${url}`);
    const { nonce, value, to } = payment.authorization;
    this.#history.note(actor, `sends ${short(nonce)} to ${url}`);
    const item = this.#plan.items.find((known) => known.url === url);
    expect("I13", item !== undefined, `the bytes of ${nonce} leave for ${url}`);
    expect("I9", isSame(item!.shop.payTo, to), `${nonce} goes to ${url}, whose payee is another`);
    const state = this.#file.durable.get(nonce);
    const isDurable = state !== undefined && OUT.includes(state);
    // Released on proof, its bytes are dead, and a caller that did not hear of it yet may send them once more.
    const isDead = state === "released EXPIRED" || state === "released CANCELLED";
    expect("I3", isDurable || isDead, `the bytes of ${nonce} leave while it is durably ${state}`);
    const sent = { bytes: payment.bytes, target: `${method} ${url} ${body}` };
    // What was made again may be in the seller's other envelope: the authorization and its signature are the same.
    const isRemade = this.#remade.has(nonce);
    const signed = this.signed.get(nonce)?.authorization;
    const isSigned = signed !== undefined && signatureOf(signed) === payment.signature;
    expect("I4", isSigned, `${nonce} is sent with another signature than its own`);
    const before = this.left.get(nonce) ?? sent;
    const isSameAsBefore = isRemade || before.bytes === sent.bytes;
    expect("I4", isSameAsBefore, `${nonce} is sent with other bytes than before`);
    expect("I12", before.target === sent.target, `${nonce} is sent for ${sent.target}`);
    expect("I15", signed?.value === value, `${nonce} is over ${value}`);
    this.left.set(nonce, before);
    const call = headers.get("x-call") ?? "";
    const nonces = this.leftByCall.get(call) ?? new Set();
    this.leftByCall.set(call, nonces.add(nonce));
  }

  onTransfer(transaction: Transaction, block: Block): void {
    const { nonce, value, to } = transaction.authorization;
    this.#history.note("chain", `block ${block.number} moves ${short(nonce)}`);
    const row = this.rowOf(nonce);
    expect("I7", row !== undefined, `${nonce} moves ${value}, and the book does not know it`);
    const { state, amount, pay_to, purchase } = row!;
    expect("I7", amount === value && isSame(pay_to, to), `${nonce} moves ${value}, not ${amount}`);
    expect("I6", state !== "released", `${nonce} was released, and its money moves`);
    this.transfers.set(nonce, transaction);
    const charges = [...this.transfers.keys()].filter(
      (other) => this.rowOf(other)?.purchase === purchase,
    );
    expect("I4", charges.length === 1, `${purchase} is charged ${charges.length} times`);
  }

  onUndone({ authorization: { nonce } }: Transaction): void {
    this.#history.note("chain", `takes back ${short(nonce)}`);
    this.transfers.delete(nonce);
  }

  /** A window is measured from the latest time that the wallet can have known. */
  noticeClock(actor: Actor): void {
    const seconds = BigInt(Math.floor(this.#scheduler.clockOf(actor) / 1000));
    const chain = BigInt(Math.floor(this.#scheduler.now / 1000)) + 1n;
    for (const time of [seconds, chain]) if (time > this.#latest) this.#latest = time;
  }

  rowOf(nonce: string) {
    return this.#file.ask<Row>("SELECT * FROM auth WHERE nonce = ?", nonce.toLowerCase())[0];
  }
}

export function expect(invariant: string, holds: boolean, problem: string): void {
  if (!holds) throw new Broken(invariant, problem);
}

export function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
