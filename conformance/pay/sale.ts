/** An honest payment, what was answered to it, and what the chain says of it. */
import type { Address, Hex, TransactionReceipt } from "viem";
import { parseEventLogs } from "viem";
import { TOKEN_ABI } from "../../chain/index.ts";
import { Unassessable, unclear } from "../case.ts";
import { type Context, answerOf } from "../context.ts";
import { isObject, type JsonObject, parse, show } from "../read/json.ts";
import { headerOf, type WireAnswer } from "../wire/exchange.ts";
import { isGrant } from "./judge-refusal.ts";
import { askPrice, makePayment, type Payment } from "./payment.ts";
import type { PayerMoney } from "./payer-side.ts";

export interface Sale {
  readonly payment: Payment;
  readonly answer: WireAnswer;
  readonly ms: number;
  readonly money: PayerMoney;
  readonly receipt: JsonObject | undefined;
}

const RECEIPT_HEADERS = {
  "x402-v2": "payment-response",
  "x402-v1": "x-payment-response",
  mpp: "payment-receipt",
} as const;

/** The payer's money, or the end of the case. */
export function moneyOf({ payer }: Pick<Context, "payer">): PayerMoney {
  if (payer.money) return payer.money;
  throw new Unassessable(unclear("The payer holds no money."));
}

/** Pays honestly, with a new authorization; ends the case where that is refused. */
export async function buy(context: Context): Promise<Sale> {
  const money = moneyOf(context);
  const payment = await makePayment(context, await askPrice(context));
  const exchange = await context.ask(
    { headers: [payment.header] },
    { alone: true, deadlineMs: 60_000 },
  );
  const answer = answerOf(exchange);
  if (!isGrant(exchange)) {
    const said = show(readReceipt(answer, context)?.["errorReason"] ?? answer.body, 200);
    throw new Unassessable(
      unclear(
        `An honest payment was answered with ${answer.status} (${said}). Does the server use this chain and facilitator?`,
      ),
    );
  }
  return { payment, answer, ms: exchange.ms, money, receipt: readReceipt(answer, context) };
}

/** One sale for all cases that only look at it. */
export async function oneSale(context: Context): Promise<Sale> {
  const key = `sale ${context.profile}`;
  const known = context.memo.get(key) as { sale: Sale; evidence: readonly number[] } | undefined;
  if (known) {
    for (const index of known.evidence) context.cite(index);
    return known.sale;
  }
  const sale = await buy(context);
  context.memo.set(key, { sale, evidence: context.evidence });
  return sale;
}

/** What the answer says of the settlement, however it is spelt. */
export function readReceipt(
  answer: WireAnswer,
  { profile }: Pick<Context, "profile">,
): JsonObject | undefined {
  const header = headerOf(answer, RECEIPT_HEADERS[profile]);
  const value = parse(Buffer.from(header ?? "", "base64").toString("utf8"));
  return isObject(value) ? value : undefined;
}

/** The transaction that a receipt names, from the chain; ends the case where it names none. */
export async function transactionOf({ receipt, money }: Sale): Promise<TransactionReceipt> {
  const hash = receipt?.["transaction"] ?? receipt?.["reference"];
  if (typeof hash !== "string" || !/^0x[0-9a-f]{64}$/i.test(hash)) {
    throw new Unassessable(unclear(`The receipt names no transaction: ${show(hash)}.`));
  }
  return await money.chain.client.getTransactionReceipt({ hash: hash as Hex });
}

/** What a transaction did with the token. */
export function tokenEvents({ logs }: TransactionReceipt, { asset }: PayerMoney) {
  const own = logs.filter(({ address }) => address.toLowerCase() === asset.address.toLowerCase());
  return parseEventLogs({ abi: TOKEN_ABI, logs: own });
}

/** Whether a transaction used this authorization. */
export function usesNonce(transaction: TransactionReceipt, money: PayerMoney, nonce: Hex): boolean {
  return tokenEvents(transaction, money).some(
    (event) =>
      event.eventName === "AuthorizationUsed" &&
      event.args.nonce.toLowerCase() === nonce.toLowerCase(),
  );
}

/** Whether an authorization has been used, now. */
export async function isUsed(
  { chain, asset }: PayerMoney,
  from: Address,
  nonce: Hex,
): Promise<boolean> {
  return await chain.client.readContract({
    address: asset.address,
    abi: TOKEN_ABI,
    functionName: "authorizationState",
    args: [from, nonce],
  });
}
