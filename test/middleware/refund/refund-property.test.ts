/** Refunds as a whole: whatever fails in whatever order, each payer gets back exactly what is owed, and the account pays no more. */
import * as fc from "fast-check";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import type { PaywallFacilitator } from "../../../middleware/paywall/facilitator-port.ts";
import {
  REFUND_SIGNER_LIMITS,
  refundAuthorization,
  type RefundableSale,
} from "../../../middleware/refund/refund.ts";
import { openRefunds } from "../../../middleware/refund/refunds.ts";
import { accountSigner, type Signer } from "../../../middleware/signer/index.ts";
import { openDatabase } from "../../../store/index.ts";
import { newAddress, newSale } from "./refund-desk.ts";

const ACCOUNT = privateKeyToAccount(`0x${"11".repeat(32)}`);
const SALES: readonly RefundableSale[] = [1n, 20n, 300n, 4_000n].map((amount) =>
  newSale({ amount }),
);
const TOTAL = 4_321n;

type Weather = "fair" | "lose-answer" | "drop" | "throw" | "say-pending";

/** A token and its facilitator: takes each nonce once, from a balance. */
class Bank implements PaywallFacilitator {
  balance: bigint;
  weather: Weather = "fair";
  readonly paid = new Map<string, bigint>();
  readonly bytes = new Map<string, Set<string>>();
  readonly #used = new Set<string>();

  constructor(balance: bigint) {
    this.balance = balance;
  }

  verify = () => Promise.reject(new Error("nobody verifies a refund"));

  async settle(paymentPayload: unknown): Promise<unknown> {
    const { weather } = this;
    if (weather === "drop") return undefined;
    if (weather === "throw") throw new Error("socket hang up");
    const { payload } = paymentPayload as {
      payload: { signature: string; authorization: { to: string; value: string; nonce: string } };
    };
    const { to, value, nonce } = payload.authorization;
    const seen = this.bytes.get(nonce) ?? new Set();
    this.bytes.set(nonce, seen.add(payload.signature));
    if (!this.#used.has(nonce)) {
      if (this.balance < BigInt(value))
        return { success: false, errorReason: "insufficient_funds" };
      this.#used.add(nonce);
      this.balance -= BigInt(value);
      this.paid.set(to, (this.paid.get(to) ?? 0n) + BigInt(value));
    }
    if (weather === "lose-answer") return undefined;
    if (weather === "say-pending") return { success: false, errorReason: "settlement_pending" };
    return { success: true, transaction: nonce };
  }
}

const step = fc.oneof(
  fc.record({
    do: fc.constant("refund" as const),
    sale: fc.nat(SALES.length - 1),
    process: fc.nat(1),
  }),
  fc.record({ do: fc.constant("recover" as const), process: fc.nat(1) }),
  fc.record({ do: fc.constant("restart" as const), process: fc.nat(1) }),
  fc.record({ do: fc.constant("top-up" as const), by: fc.bigInt(0n, 5_000n) }),
  fc.record({ do: fc.constant("strike" as const), on: fc.boolean() }),
  fc.record({
    do: fc.constant("weather" as const),
    weather: fc.constantFrom<Weather>("fair", "lose-answer", "drop", "throw", "say-pending"),
  }),
);

test("over any interleaving of faults, restarts and processes, what is owed is paid, once and to the unit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.bigInt(0n, TOTAL),
      fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
      async (start, rounds) => {
        using db = openDatabase(":memory:");
        const bank = new Bank(start);
        let funded = start;
        let onStrike = false;
        const working = accountSigner(ACCOUNT, { limits: REFUND_SIGNER_LIMITS });
        const striking = accountSigner(ACCOUNT, { limits: { maxPerCall: 0n } });
        const signer: Signer = {
          address: ACCOUNT.address,
          sign: (intent) => (onStrike ? striking : working).sign(intent),
        };
        const open = () => openRefunds({ db, facilitator: bank, signer });
        const processes = [open(), open()];
        const owed = new Set<number>();
        // The steps of a round run at the same time.
        for (const round of rounds) {
          await Promise.all(
            round.map(async (step) => {
              if (step.do === "refund") {
                owed.add(step.sale);
                await processes[step.process]!.refund(SALES[step.sale]!);
              } else if (step.do === "recover") await processes[step.process]!.recover();
              else if (step.do === "restart") processes[step.process] = open();
              else if (step.do === "strike") onStrike = step.on;
              else if (step.do === "weather") bank.weather = step.weather;
              else {
                bank.balance += step.by;
                funded += step.by;
              }
            }),
          );
          const paid = [...bank.paid.values()].reduce((sum, value) => sum + value, 0n);
          expect(bank.balance + paid).toBe(funded);
          for (const { payer, amount } of SALES)
            expect([undefined, amount]).toContain(bank.paid.get(payer));
        }
        // The storm is over, and the account is topped up.
        bank.weather = "fair";
        onStrike = false;
        bank.balance += TOTAL;
        expect(await processes[0]!.recover()).toBe(0);
        for (const [index, { payer, amount }] of SALES.entries())
          expect(bank.paid.get(payer)).toBe(owed.has(index) ? amount : undefined);
        for (const bytes of bank.bytes.values()) expect(bytes.size).toBe(1);
      },
    ),
    { numRuns: 60 },
  );
});

test("a refund's nonce is the sale's own: other sales, tokens and payers have others, and the account is no part of it", () => {
  const sale = newSale();
  const nonceOf = (changes: Partial<RefundableSale> = {}, account = ACCOUNT.address, now = 0) =>
    refundAuthorization({ ...sale, ...changes }, account, now).nonce;
  expect(nonceOf({}, newAddress(), 5_000)).toBe(nonceOf());
  const address = newAddress();
  const others = [
    nonceOf({ payer: address }),
    nonceOf({ nonce: newSale().nonce }),
    nonceOf({ asset: { ...sale.asset, address } }),
    nonceOf({ asset: { ...sale.asset, network: "eip155:1" } }),
  ];
  expect(new Set([...others, nonceOf()]).size).toBe(5);
});
