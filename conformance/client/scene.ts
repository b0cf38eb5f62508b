/**
 * A scene is one purchase: what the shop and its accomplice do with every request of it. A case has a hostile scene, and a safe twin
 * that is the same without the trap; what a client did in one is `Seen`.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Profile } from "../case.ts";
import type { ClientEnd, Order } from "./order.ts";
import type { SignedPayment } from "./signed-payment.ts";
import type { Answer, Asking, SettlementClaim, Terms } from "./terms.ts";

/** A request of the client's, as it came. */
export interface Visit {
  /** The shop's, or that of somebody who has nothing to do with it. */
  readonly origin: "shop" | "other";
  readonly method: string;
  /** After the scene's own prefix, such as `/paid`. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Those that can be read. */
  readonly payments: readonly SignedPayment[];
  /** Names of the payment headers, readable or not. */
  readonly paymentHeaders: readonly string[];
  /** How many requests of the scene came before it, and how many of them carried a payment. */
  readonly count: number;
  readonly paidCount: number;
  /** Which start of the client this is, from 0. */
  readonly start: number;
}

/** `drop` closes the connection without a word. */
export type Reply = Answer | "drop";

/** What a shop can do; a script says when. */
export interface Shop {
  /** The right terms: the price, to the right recipient, for this URL. */
  readonly terms: Terms;
  readonly profile: Profile;
  /** The recipient that a thief would like. */
  readonly thief: string;
  /** A token that calls itself the right one. */
  readonly fakeToken: string;
  /** A URL of the scene at the other origin, or at the shop. */
  readonly url: (origin: Visit["origin"], path: string) => string;
  /** A 402. Default: with the right terms. */
  readonly ask: (asking?: Partial<Asking>) => Answer;
  /** Takes the money now; the transaction, or undefined. */
  readonly take: (payment: SignedPayment) => Promise<string | undefined>;
  /** What was bought, whatever became of the money. */
  readonly deliver: (claim?: Partial<SettlementClaim>, body?: string) => Answer;
  /** An honest sale: takes the money and delivers; the same payment again gets the same answer. */
  readonly sell: (visit: Visit) => Promise<Reply>;
  /** The header that says what came of the settlement. */
  readonly claim: (claim: Partial<SettlementClaim>) => Readonly<Record<string, string>>;
}

export type Script = (visit: Visit, shop: Shop) => Reply | Promise<Reply>;

export interface Scene {
  /** In a few words, such as "an honest shop". Scenes of one name are one, and played once. */
  readonly name: string;
  readonly script: Script;
  /** How often the client is started for the purchase. Default: once. */
  readonly starts?: number;
  /** Each start is another purchase. */
  readonly separate?: true;
  /** What a right client pays here at most, in atomic units, also to a shop that then does not deliver. Default: the price. */
  readonly right?: bigint;
}

export interface Seen {
  readonly order: Order;
  readonly profile: Profile;
  readonly visits: readonly Visit[];
  readonly ends: readonly ClientEnd[];
  /** Every payment that was caught, in order, also the same one again. */
  readonly payments: readonly SignedPayment[];
  readonly thief: string;
  readonly delivered: boolean;
  /** Atomic units that left the client's account on the chain. */
  readonly spent: bigint;
  /** Of those, what a right client would have kept. */
  readonly lost: bigint;
  /** Whether the client asked the chain of a payment after the answer to it. */
  readonly askedChain: boolean;
  /** Indexes of its exchanges in the record. */
  readonly exchanges: readonly number[];
}

/** A shop that sells, as every client should be able to buy from. */
export const HONEST: Scene = {
  name: "an honest shop",
  script: (visit, shop) => (visit.paymentHeaders.length > 0 ? shop.sell(visit) : shop.ask()),
};
