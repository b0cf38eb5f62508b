/**
 * Kills a seller at its steps and at any moment, starts it again, lets its buyers send the same payments again, and compares the
 * chain with what was delivered and answered. What it finds wrong it says; it throws only where it cannot go on.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { LocalAccount } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { openDatabase } from "../../../store/index.ts";
import type { Random } from "../../support/random.ts";
import type { Market } from "../shop.ts";
import type { DeathPlan } from "./steps.ts";
import { payBy, type Protocol, PROTOCOLS } from "../protocol-payments.ts";
import {
  ROUTES,
  type SellerLife,
  type SellerPlan,
  type SellerRoute,
  startSeller,
} from "./seller.ts";

export interface SellerKills {
  kills: number;
  purchases: number;
  /** How often it died where. */
  readonly at: Record<string, number>;
  readonly violations: string[];
}

export interface SellerKillOptions {
  readonly market: Market;
  readonly folder: string;
  readonly random: Random;
}

const yes = () => true;
const no = () => false;
const PRICE = 10_000n;
const FUNDS = 1_000_000_000n;
/** How often a buyer sends the same payment before it is found to hang. */
const MAX_SENDS = 40;

interface Purchase {
  readonly route: SellerRoute;
  readonly protocol: Protocol;
  readonly payer: LocalAccount;
  readonly request: RequestInit;
  told?: { status: number; text: string };
}

export class SellerKiller implements AsyncDisposable {
  readonly #options: SellerKillOptions;
  readonly #plan: SellerPlan;
  readonly #purchases: Purchase[] = [];
  readonly report: SellerKills = { kills: 0, purchases: 0, at: {}, violations: [] };
  #life: SellerLife | undefined;

  constructor(options: SellerKillOptions) {
    const { market, folder } = options;
    this.#options = options;
    this.#plan = {
      path: join(folder, "seller.sqlite"),
      facilitatorUrl: market.facilitator.url,
      payTo: privateKeyToAccount(generatePrivateKey()).address,
      refundKey: generatePrivateKey(),
    };
  }

  async open(): Promise<void> {
    const { address } = privateKeyToAccount(this.#plan.refundKey);
    await this.#options.market.chain.local.fund(address, { usdc: FUNDS });
    this.#life = await startSeller(this.#plan);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life?.[Symbol.asyncDispose]();
  }

  /** Buys once, the seller dying at this step. False where it has no such step, and lived. */
  async dieAtStep(route: SellerRoute, protocol: Protocol, plan: DeathPlan): Promise<boolean> {
    const purchase = await this.#sign(route, protocol);
    await this.#alive.dieAt(plan);
    const told = await this.#send(purchase);
    if (told) purchase.told = told;
    // The answer may have left before the process died: then it does not hear this.
    const died = !told || (await this.#alive.dieAt({ nth: 0 }).then(no, yes));
    if (died) await this.#bury();
    await this.#finish(purchase);
    return died;
  }

  /** Several buyers at once, each sending twice, and the seller dying at any moment of it. */
  async dieAtAnyMoment(buyers: number, withinMs: number): Promise<void> {
    const { random } = this.#options;
    const purchases = await Promise.all(
      Array.from({ length: buyers }, () => this.#sign(random.pick(ROUTES), random.pick(PROTOCOLS))),
    );
    const sent = purchases.flatMap((purchase) => [this.#send(purchase), this.#send(purchase)]);
    await delay(random.next() * withinMs);
    this.#alive.kill();
    await Promise.all(sent);
    await this.#bury();
    await Promise.all(purchases.map((purchase) => this.#finish(purchase)));
  }

  /** What everybody has in the end, to the unit. */
  async audit(): Promise<void> {
    const { chain } = this.#options.market.chain;
    const { violations } = this.report;
    const of = (route: SellerRoute) => this.#purchases.filter((one) => one.route === route).length;
    const failed = BigInt(of("failing"));
    const all = BigInt(this.#purchases.length);
    const expect = (name: string, is: bigint, owed: bigint) => {
      if (is !== owed) violations.push(`${name}: ${is} and not ${owed}`);
    };
    expect("the seller's income", await chain.balanceOf(this.#plan.payTo), PRICE * all);
    const { address } = privateKeyToAccount(this.#plan.refundKey);
    expect("refunds", FUNDS - (await chain.balanceOf(address)), PRICE * failed);
    using db = openDatabase(this.#plan.path);
    const [{ count } = { count: 0 }] = db
      .query<{ count: number }>("SELECT count(*) AS count FROM delivery")
      .all();
    expect("deliveries", BigInt(count), all - failed);
    const open = db.query("SELECT key FROM paywall_sale WHERE state <> 'settled'").all().length;
    expect("open sales", BigInt(open), 0n);
  }

  get #alive(): SellerLife {
    if (!this.#life) throw new Error("the seller is not open");
    return this.#life;
  }

  async #sign(route: SellerRoute, protocol: Protocol): Promise<Purchase> {
    const payer = await this.#options.market.chain.newPayer(PRICE * 2n);
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const request = await payBy(this.#alive, { protocol, payer, init, path: `/${route}` });
    const purchase = { route, protocol, payer, request };
    this.#purchases.push(purchase);
    this.report.purchases += 1;
    return purchase;
  }

  /** Undefined where the process died over it. */
  async #send({ route, request }: Purchase): Promise<{ status: number; text: string } | undefined> {
    try {
      const response = await fetch(`${this.#alive.url}/${route}`, request);
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }

  async #bury(): Promise<void> {
    const where = (await this.#alive.ended) ?? "any moment";
    this.report.kills += 1;
    this.report.at[where] = (this.report.at[where] ?? 0) + 1;
    this.#life = await startSeller(this.#plan);
  }

  /** Sends the same payment until it is answered for good, and holds the answer against the chain. */
  async #finish(purchase: Purchase): Promise<void> {
    const { route, protocol, payer } = purchase;
    const { violations } = this.report;
    const name = `${route} by ${protocol} of ${payer.address}`;
    const before = purchase.told;
    for (let sends = 0; ; sends += 1) {
      const told = await this.#send(purchase);
      if (told && told.status !== 503) {
        purchase.told = told;
        break;
      }
      if (sends === MAX_SENDS) {
        violations.push(`${name}: still not answered`);
        return;
      }
      await delay(50);
    }
    const { status, text } = purchase.told;
    if (status !== (route === "failing" ? 500 : 201)) violations.push(`${name}: ${status} ${text}`);
    if (before && before.status !== 503 && before.text !== text)
      violations.push(`${name}: first ${before.text}, then ${text}`);
    const left = await this.#options.market.chain.chain.balanceOf(payer.address);
    const owed = route === "failing" ? PRICE * 2n : PRICE;
    if (left !== owed) violations.push(`${name}: has ${left} and not ${owed}`);
  }
}
