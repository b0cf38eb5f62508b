/** The shop that a script speaks through: it asks in the protocol that is tested, takes money and delivers. */
import type { Address } from "viem";
import type { Asset } from "../../protocol/asset.ts";
import type { Profile } from "../case.ts";
import type { Reply, Scene, Shop, Visit } from "./scene.ts";
import type { SignedPayment } from "./signed-payment.ts";
import { ASK, CLAIM, type SettlementClaim, type Terms, termsOf } from "./terms.ts";

/** A scene that is being played. */
export interface Running {
  readonly id: string;
  readonly scene: Scene;
  readonly profile: Profile;
  readonly visits: Visit[];
  readonly payments: SignedPayment[];
  /** Indexes in the record. */
  readonly exchanges: number[];
  /** Terms that were asked, to find what a signature is for. */
  readonly asked: Terms[];
  readonly sales: Map<string, Promise<Reply>>;
  start: number;
  delivered: boolean;
}

export interface ShopOptions {
  readonly asset: Asset;
  readonly price: bigint;
  readonly client: Address;
  readonly payTo: Address;
  readonly thief: Address;
  readonly fakeToken: Address;
  readonly origins: Readonly<Record<Visit["origin"], string>>;
  readonly take: (payment: SignedPayment) => Promise<string | undefined>;
}

export function openShop(running: Running, options: ShopOptions): Shop {
  const { asset, price, client, payTo, thief, fakeToken, origins, take } = options;
  const { id, profile } = running;
  const url = (origin: Visit["origin"], path: string) => `${origins[origin]}/${id}${path}`;
  const terms = termsOf(asset, payTo, price, url("shop", "/paid"));
  const claimOf = (claim: Partial<SettlementClaim>) =>
    CLAIM[profile]({ success: true, transaction: "", payer: client, ...claim }, asset);
  const shop: Shop = {
    terms,
    profile,
    thief,
    fakeToken,
    url,
    take,
    claim: claimOf,
    ask(asking = {}) {
      const asked = { terms: [terms], ...asking };
      running.asked.push(...asked.terms);
      return ASK[profile](asked);
    },
    deliver(claim, body = '{"report":"It is sunny.","status":"complete"}') {
      running.delivered = true;
      const headers = { "Content-Type": "application/json", "Cache-Control": "private, no-store" };
      return { status: 200, headers: { ...headers, ...(claim && claimOf(claim)) }, body };
    },
    sell({ payments: [payment] }) {
      if (!payment) return Promise.resolve(shop.ask());
      const known = running.sales.get(payment.bytes);
      if (known) return known;
      const sale = sellOnce(payment);
      running.sales.set(payment.bytes, sale);
      return sale;
    },
  };
  async function sellOnce(payment: SignedPayment): Promise<Reply> {
    const right = payment.to === payTo && payment.value >= price;
    const transaction = right ? await take(payment) : undefined;
    return transaction === undefined ? shop.ask() : shop.deliver({ transaction });
  }
  return shop;
}
