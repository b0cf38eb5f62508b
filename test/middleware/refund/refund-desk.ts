/** A refund account on a real chain and facilitator, with sales to refund; for tests. */
import { randomBytes } from "node:crypto";
import { type Address, type Hex, type LocalAccount, toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { REFUND_SIGNER_LIMITS, type RefundableSale } from "../../../middleware/refund/refund.ts";
import {
  openRefunds,
  type RefundEvent,
  type Refunds,
  type RefundsOptions,
} from "../../../middleware/refund/refunds.ts";
import { accountSigner } from "../../../middleware/signer/index.ts";
import { BASE_SEPOLIA_USDC } from "../../../protocol/index.ts";
import { type Database, openDatabase } from "../../../store/index.ts";
import type { Market } from "../shop.ts";

export interface RefundDesk extends Disposable {
  readonly db: Database;
  readonly account: LocalAccount;
  readonly refunds: Refunds;
  readonly events: RefundEvent[];
}

export interface RefundDeskOptions extends Partial<RefundsOptions> {
  /** What the refund account holds. */
  usdc?: bigint;
  account?: LocalAccount;
}

export async function openRefundDesk(
  market: Market,
  { usdc = 1_000_000n, account, db = openDatabase(":memory:"), ...options }: RefundDeskOptions = {},
): Promise<RefundDesk> {
  const holder = account ?? (await market.chain.newPayer(usdc));
  const events: RefundEvent[] = [];
  const refunds = openRefunds({
    db,
    facilitator: market.facilitator.url,
    signer: accountSigner(holder, { limits: REFUND_SIGNER_LIMITS }),
    log: (event) => void events.push(event),
    ...options,
  });
  return { db, account: holder, refunds, events, [Symbol.dispose]: () => db.close() };
}

/** A sale that was paid, to somebody who holds nothing else. */
export function newSale(fields: Partial<RefundableSale> = {}): RefundableSale {
  return {
    payer: newAddress(),
    nonce: toHex(randomBytes(32)),
    amount: 10_000n,
    asset: BASE_SEPOLIA_USDC,
    transaction: toHex(randomBytes(32)),
    ...fields,
  };
}

export const newAddress = (): Address => privateKeyToAccount(generatePrivateKey()).address;

/** What an account of the chain holds. */
export const held = ({ chain }: Market, address: Address): Promise<bigint> =>
  chain.chain.balanceOf(address);

export const isHash = (text: string | undefined): text is Hex =>
  /^0x[0-9a-f]{64}$/.test(text ?? "");
