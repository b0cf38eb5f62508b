/**
 * The sellers. One that is honest settles a payment once and answers every copy of it alike; while faults last it may also lose its
 * answer, settle late or in secret, lie about what it did, ask for more, or send the buyer elsewhere.
 */
import type { Hex } from "viem";
import type { Authorization } from "../../protocol/index.ts";
import type { Chance } from "./chance.ts";
import type { ChainDouble } from "./chain-double.ts";
import { type Answer, type Message, type Payment, readPayment } from "./messages.ts";
import type { ItemPlan, Plan } from "./plan.ts";
import type { Scheduler } from "./scheduler.ts";
import { signatureOf } from "./signer-double.ts";
import { challenge, receipt, UNPAID_TRICKS, type UnpaidTrick } from "./shop-answers.ts";

type Reply = (answer: Answer) => void;

/** What a dishonest seller does with a payment: what it answers, and whether and when it settles. */
const PAID_TRICKS = {
  failsAfterSettling: 4,
  settlesInSecret: 2,
  settlesLate: 2,
  takesNothing: 2,
  asksAgain: 1,
  forgesReceipt: 1,
  borrowsReceipt: 1,
  redirects: 1,
  isSilent: 1,
} as const;

export interface ShopOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly chain: ChainDouble;
  readonly plan: Plan;
  readonly note: (what: string) => void;
}

export class ShopDouble {
  honest = false;
  readonly #options: ShopOptions;
  /** The transaction of each payment that was settled, by nonce. */
  readonly #settled = new Map<string, Hex>();
  readonly #settling = new Map<string, ((hash: Hex | undefined) => void)[]>();

  constructor(options: ShopOptions) {
    this.#options = options;
  }

  serve(message: Message, reply: Reply): void {
    const { plan, chance } = this.#options;
    const item = plan.items.find(({ url }) => url === message.url);
    if (!item) return reply({ status: 404, body: "no such item" });
    const tricks = !this.honest && chance.happens(item.shop.malice);
    const payment = readPayment(message);
    if (payment) return this.#sell({ item, payment, reply, tricks });
    const trick = tricks ? chance.weighted<UnpaidTrick>(UNPAID_TRICKS) : undefined;
    if (trick) this.#options.note(`${item.url} ${trick}`);
    reply(challenge({ ...this.#options, item, trick }));
  }

  #sell(sale: { item: ItemPlan; payment: Payment; reply: Reply; tricks: boolean }): void {
    const { item, payment, reply, tricks } = sale;
    const { chance, note } = this.#options;
    const { authorization, signature } = payment;
    const good =
      signature === signatureOf(authorization) &&
      authorization.to.toLowerCase() === item.shop.payTo.toLowerCase() &&
      authorization.value >= item.price;
    if (!good) return reply(challenge({ ...this.#options, item }));
    const deliver = (hash: Hex | undefined) =>
      reply(
        hash
          ? { status: 200, headers: receipt(payment, hash), body: `{"sold":"${item.url}"}` }
          : challenge({ ...this.#options, item }),
      );
    if (!tricks) return this.#settle(authorization, 0, deliver);
    const trick = chance.weighted(PAID_TRICKS);
    note(`${item.url} ${trick}`);
    const late = chance.int(5_000, 150_000);
    if (trick === "failsAfterSettling") {
      this.#settle(authorization, 0, () => reply({ status: 500, body: "oops" }));
    } else if (trick === "settlesInSecret") {
      this.#settle(authorization, chance.int(0, 20_000));
      reply(challenge({ ...this.#options, item }));
    } else if (trick === "settlesLate") {
      this.#settle(authorization, late);
      reply({ status: chance.pick([502, 503, 200]), body: "wait" });
    } else if (trick === "takesNothing") {
      reply({ status: chance.pick([400, 409, 500, 503]), body: "no" });
    } else if (trick === "asksAgain") {
      reply(challenge({ ...this.#options, item, trick: chance.pick(["asksMore", "clashes"]) }));
    } else if (trick === "forgesReceipt") {
      reply({ status: 200, headers: receipt(payment, `0x${"7".repeat(64)}`), body: "{}" });
    } else if (trick === "borrowsReceipt") {
      const other = [...this.#settled.values()].at(-1) ?? (`0x${"8".repeat(64)}` as const);
      reply({ status: 200, headers: receipt(payment, other), body: "{}" });
    } else if (trick === "redirects") {
      if (chance.happens(0.5)) this.#settle(authorization, 0);
      reply({ status: 307, headers: { location: "http://evil.example/item" } });
    } else if (chance.happens(0.5)) {
      this.#settle(authorization, late);
    }
  }

  /** Settles a payment once, after a while; tells the transaction, or undefined where the chain did not take it. */
  #settle(authorization: Authorization, delayMs: number, tell?: (hash: Hex | undefined) => void) {
    const { chain, scheduler, chance } = this.#options;
    const nonce = authorization.nonce.toLowerCase();
    const known = this.#settled.get(nonce);
    if (known) return tell?.(known);
    const waiting = this.#settling.get(nonce) ?? [];
    if (tell) waiting.push(tell);
    if (this.#settling.has(nonce) && delayMs === 0 && chance.happens(0.5)) return;
    this.#settling.set(nonce, waiting);
    scheduler.schedule(delayMs + chance.int(1, 50), undefined, () => {
      const done = (taken: boolean) => {
        if (taken) this.#settled.set(nonce, hash);
        this.#settling.delete(nonce);
        for (const listener of waiting.splice(0)) listener(this.#settled.get(nonce));
      };
      const hash = chain.send({ kind: "transfer", authorization, signed: true, done });
    });
  }
}
