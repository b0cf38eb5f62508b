/** Group G: one authorization buys once, however often, wherever and in whatever spelling it is sent. */
import type { Hex } from "viem";
import { broken, type Case, holds, noted, type Outcome } from "../case.ts";
import { coreV2, mppCore, mppEvmCharge, policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { isObject, show } from "../read/json.ts";
import { isGrant, refusesAll } from "../pay/judge-refusal.ts";
import { newStranger } from "../pay/payer-side.ts";
import { askPrice, encodePayment, headerFor, makePayment, type Payment } from "../pay/payment.ts";
import { buy, isUsed, moneyOf, readReceipt, usesNonce } from "../pay/sale.ts";
import type { Exchange } from "../wire/exchange.ts";
import { MPP, X402, X402_V2 } from "./judge.ts";
import { besideSibling } from "./sibling.ts";

const common = {
  ring: 2,
  severity: "critical",
  gains: "One payment buys as often as it is sent.",
  mend: "Reserve (asset, from, nonce) durably and atomically before the work; give the same bytes the stored answer, and refuse others.",
  cwe: 294,
} as const;
const never = coreV2(
  "10.1",
  "EIP-3009 Nonce: Each authorization includes a unique 32-byte nonce to prevent replay attacks",
);

/** How many copies of one payment are sent at once, one payment for each. */
const COPIES = [2, 10, 50] as const;

/** Several answers to one payment: at most one delivery, of which copies may be handed out again with its receipt. */
export function judgeDeliveries(context: Context, exchanges: readonly Exchange[]): Outcome {
  const grants = exchanges.filter(isGrant);
  const statuses = exchanges.map(({ answer, failure }) => answer?.status ?? failure).join(", ");
  const bodies = new Set(grants.map(({ answer }) => answer?.body));
  if (bodies.size > 1)
    return broken(`One payment got ${bodies.size} different deliveries (${statuses}).`);
  const receipts = new Set(
    grants.map(({ answer }) => show(answer && readReceipt(answer, context), 2000)),
  );
  if (grants.length > 1 && (receipts.size > 1 || receipts.has("nothing"))) {
    return broken(
      `One payment was granted ${grants.length} times, not each with its one receipt (${statuses}).`,
    );
  }
  if (exchanges.some(({ answer }) => (answer?.status ?? 0) >= 500 && answer?.status !== 503))
    return noted(`Not sold twice, but ${statuses}.`);
  return holds(
    grants.length > 1
      ? `${grants.length} copies of one answer, with one receipt (${statuses}).`
      : `${statuses}.`,
  );
}

export const REPLAY_CASES: readonly Case[] = [
  {
    ...common,
    id: "RPLY-01",
    title: "A payment that was used buys nothing more",
    level: "stated",
    profiles: [...X402, ...MPP],
    payments: 1,
    basis: never,
    async run(context) {
      const sale = await buy(context);
      const again = await context.ask({ headers: [sale.payment.header] }, { alone: true });
      const first = context.exchanges.findLast(({ answer }) => answer === sale.answer);
      return judgeDeliveries(context, first ? [first, again] : [again]);
    },
  },
  {
    ...common,
    id: "RPLY-02",
    title: "However many copies of a payment come at once, they buy one thing",
    level: "policy",
    profiles: X402,
    payments: COPIES.length,
    basis: policy(
      "MPP says MUST of the same: at most one settlement and one delivery. On public endpoints hundreds of grants were had for one payment.",
    ),
    run: race,
  },
  {
    ...common,
    id: "MPP-12",
    title: "However many copies of a credential come at once, they buy one thing",
    level: "must",
    profiles: MPP,
    payments: COPIES.length,
    basis: mppCore(
      "Concurrent Request Handling",
      "Servers MUST ensure that concurrent requests with the same Payment credential result in at most one successful payment settlement and one resource delivery.",
    ),
    run: race,
  },
  {
    ...common,
    id: "RPLY-07",
    title: "A used payment in another spelling buys nothing more",
    level: "policy",
    profiles: X402,
    payments: 1,
    basis: policy(
      "Whoever remembers the header's text, and not the authorization in it, takes each spelling for a new payment.",
    ),
    gains: "Whoever paid once adds a blank to the header and buys again, as often as it likes.",
    async run(context) {
      const { payment, answer } = await buy(context);
      const { offer, value } = payment;
      const spellings = {
        "with blanks": encodePayment(offer, context.profile, JSON.stringify(value, undefined, 1)),
        "in another order": encodePayment(offer, context.profile, reversed(value)),
        "in base64url": headerFor(
          offer,
          context.profile,
          Buffer.from(JSON.stringify(value)).toString("base64url"),
        ),
      };
      const told: string[] = [];
      for (const [what, header] of Object.entries(spellings)) {
        const again = await context.ask({ headers: [header] }, { alone: true });
        if (isGrant(again) && again.answer?.body !== answer.body)
          return broken(`A used payment ${what} got another delivery.`);
        told.push(
          `${what} ${isGrant(again) ? "the same answer" : (again.answer?.status ?? again.failure)}`,
        );
      }
      return holds(`${told.join(", ")}.`);
    },
  },
  {
    ...common,
    id: "RPLY-08",
    title: "A used payment under another payment identifier buys nothing more",
    level: "policy",
    profiles: X402_V2,
    payments: 1,
    basis: policy("The identifier is the buyer's to choose; the authorization is what was paid."),
    gains: "Whoever paid once names the payment anew and buys again.",
    async run(context) {
      const { payment, answer } = await buy(context);
      const other = {
        ...(payment.value as object),
        extensions: {
          "payment-identifier": { info: { id: `purser_check_${context.randomInt(1e9)}_again` } },
        },
      };
      const again = await context.ask(
        { headers: [encodePayment(payment.offer, context.profile, other)] },
        { alone: true },
      );
      if (!isGrant(again)) return holds(`${again.answer?.status ?? again.failure}.`);
      return again.answer?.body === answer.body
        ? holds("The same answer again.")
        : broken("Another identifier got another delivery.");
    },
  },
  {
    ...common,
    id: "RPLY-04",
    title: "One payment at two routes at once buys one thing",
    level: "policy",
    profiles: X402,
    payments: 1,
    basis: policy(
      "arXiv 2605.30998: a payment that is checked for each route by itself is good for all of them.",
    ),
    run: besideSibling(async (context, sibling) => {
      const { header } = await makePayment(context, await askPrice(context));
      const paths = [context.target.path, sibling.path, context.target.path, sibling.path];
      const exchanges = await Promise.all(
        paths.map((path) => context.ask({ path, headers: [header] }, { alone: true })),
      );
      const routes = new Set(exchanges.filter(isGrant).map(({ request }) => request.path));
      return routes.size > 1
        ? broken("Both routes were granted for one payment.")
        : holds(`${exchanges.map(({ answer }) => answer?.status).join(", ")}.`);
    }),
  },
  {
    ...common,
    id: "TAMP-19",
    title: "A payment for one route does not buy at another",
    level: "advice",
    severity: "medium",
    profiles: X402_V2,
    payments: 1,
    basis: policy(
      "The signature is over money, not over the resource: where a route has its own recipient or price it is told apart, else only by resource.url.",
    ),
    gains:
      "At the same price nobody loses; with a quote of its own, or a limited stock, what was priced is not what is taken.",
    mend: "Refuse a payment whose resource.url is not the URL that is served.",
    run: besideSibling(async (context, { path }) => {
      const { header } = await makePayment(context, await askPrice(context));
      const there = await context.ask({ path, headers: [header] }, { alone: true });
      return isGrant(there)
        ? broken("It was granted at the other route.")
        : holds(`${there.answer?.status ?? there.failure}.`);
    }),
  },
  {
    ...common,
    id: "RPLY-11",
    title: "Five payers at once are five sales, each with its own proof",
    level: "stated",
    severity: "high",
    profiles: X402,
    payments: 5,
    basis: never,
    gains: "Buyers get one another's receipts, or honest payments fail when the shop is busy.",
    mend: "Keep nothing of a request in a shared variable; give the settling account a nonce queue.",
    async run(context) {
      const money = moneyOf(context);
      const { fund } = context.payer;
      const payments = [];
      for (let count = 0; count < 5; count++) {
        const offer = await askPrice(context);
        // Where the chain is the tester's they are different people; with a key of yours they are different payments.
        const signer = fund ? newStranger() : undefined;
        if (signer) await fund?.(signer.address, offer.price);
        const change = signer ? { signer, fields: { from: signer.address } } : {};
        payments.push(await makePayment(context, offer, change));
      }
      const exchanges = await Promise.all(
        payments.map(({ header }) =>
          context.ask({ headers: [header] }, { alone: true, deadlineMs: 60_000 }),
        ),
      );
      const problems: string[] = [];
      for (const [at, exchange] of exchanges.entries()) {
        const payment = payments[at];
        if (!payment) continue;
        const used = await isUsed(money, payment.fields.from, payment.fields.nonce);
        if (isGrant(exchange) && !used) problems.push(`sale ${at + 1} was granted and not settled`);
        if (isGrant(exchange) && used && !(await isOwnReceipt(context, exchange, payment)))
          problems.push(`sale ${at + 1} has the receipt of another`);
        if (!isGrant(exchange))
          problems.push(
            `payment ${at + 1} was ${used ? "settled and " : ""}answered with ${exchange.answer?.status ?? exchange.failure}`,
          );
      }
      return problems.length === 0
        ? holds("Five grants, five settlements, each named by its own receipt.")
        : broken(`${problems.slice(0, 3).join("; ")}.`);
    },
  },
  {
    ...common,
    id: "MPP-15",
    title: "A credential whose nonce is not its challenge's is refused",
    level: "must",
    profiles: MPP,
    payments: 1,
    basis: mppEvmCharge.says("Challenge Binding", "the EIP-3009 nonce is keccak256(id || realm)"),
    gains: "An authorization made for another challenge, or another shop, is taken for this one.",
    mend: "Recompute keccak256(id + realm) from the challenge, and compare it with the authorization's nonce before you settle.",
    run: (context) =>
      refusesAll(context, {
        "another nonce": {
          fields: {
            nonce: `0x${context
              .randomInt(2 ** 32)
              .toString(16)
              .padStart(64, "0")}`,
          },
        },
      }),
  },
];

/** JSON with its keys the other way round. */
function reversed(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).toReversed()) : inner,
  );
}

/** Whether what the receipt names is this payment's settlement; one that names none is SETL-01's and SETL-02's. */
async function isOwnReceipt(
  context: Context,
  { answer }: Exchange,
  { fields }: Payment,
): Promise<boolean> {
  const receipt = answer && readReceipt(answer, context);
  const { payer, transaction: hash } = receipt ?? {};
  if (typeof payer === "string" && payer.toLowerCase() !== fields.from.toLowerCase()) return false;
  if (typeof hash !== "string" || !/^0x[0-9a-f]{64}$/i.test(hash)) return true;
  const money = moneyOf(context);
  const transaction = await money.chain.client
    .getTransactionReceipt({ hash: hash as Hex })
    .catch(() => undefined);
  return transaction !== undefined && usesNonce(transaction, money, fields.nonce);
}

async function race(context: Context): Promise<Outcome> {
  const told: string[] = [];
  let odd: Outcome | undefined;
  for (const copies of COPIES) {
    const { header } = await makePayment(context, await askPrice(context));
    const exchanges = await Promise.all(
      Array.from({ length: copies }, () =>
        context.ask({ headers: [header] }, { alone: true, deadlineMs: 60_000 }),
      ),
    );
    const judged = judgeDeliveries(context, exchanges);
    if (judged.kind === "broken") return broken(`${copies} copies: ${judged.seen}`);
    if (judged.kind === "noted") odd ??= noted(`${copies} copies: ${judged.seen}`);
    told.push(`${copies} copies, ${exchanges.filter(isGrant).length} granted`);
  }
  return odd ?? holds(`${told.join("; ")}, each with one receipt.`);
}
