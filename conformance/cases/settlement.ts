/** Group I: that a sale is a sale: it says what was settled, and the chain says the same. */
import { broken, type Case, holds, noted, skipped } from "../case.ts";
import { coreV2, exactEvm, httpV2, mppCore, policy } from "../basis.ts";
import { oneSale, tokenEvents, transactionOf, usesNonce } from "../pay/sale.ts";
import { show } from "../read/json.ts";
import { headerOf } from "../wire/exchange.ts";
import { judge, MPP, X402 } from "./judge.ts";

const common = { ring: 2, profiles: X402, payments: 1, severity: "high" } as const;
const unproven = "The buyer cannot prove the payment, pays again, or books a sale that never was.";

export const SETTLEMENT_CASES: readonly Case[] = [
  {
    ...common,
    id: "SETL-01",
    title: "A sale carries its receipt",
    level: "stated",
    basis: httpV2(
      "Settlement Response Delivery",
      "`PAYMENT-RESPONSE` header containing base64-encoded JSON",
    ),
    gains: unproven,
    mend: "Put the facilitator's settle answer, as base64 JSON, into PAYMENT-RESPONSE (X-PAYMENT-RESPONSE in version 1).",
    async run(context) {
      const { receipt } = await oneSale(context);
      return receipt
        ? holds("Base64 of a JSON object.")
        : broken("The paid answer carries no receipt that can be read.");
    },
  },
  {
    ...common,
    id: "SETL-02",
    title: "The receipt says success, transaction and network",
    level: "stated",
    basis: coreV2.says(
      "5.3.2",
      "`success` boolean, `transaction` and `network` string, Required; `errorReason` omitted if successful",
    ),
    gains: unproven,
    mend: "Pass on the facilitator's answer whole.",
    async run(context) {
      const { receipt } = await oneSale(context);
      if (!receipt) return skipped("There is no receipt (SETL-01).");
      const problems = [];
      if (receipt["success"] !== true) problems.push(`success is ${show(receipt["success"])}`);
      for (const name of ["transaction", "network"])
        if (typeof receipt[name] !== "string" || receipt[name] === "")
          problems.push(`${name} is ${show(receipt[name])}`);
      if (typeof receipt["errorReason"] === "string")
        problems.push(`errorReason is ${show(receipt["errorReason"])}`);
      return judge(problems, "All three.");
    },
  },
  {
    ...common,
    id: "SETL-03",
    title: "The receipt is of this payment",
    level: "stated",
    basis: coreV2.says(
      "5.3.2",
      "`payer`: Address of the payer's wallet; `network`: Blockchain network identifier",
    ),
    gains:
      "One buyer's receipt is shown to another: neither can prove its payment, and both may ask for it back.",
    mend: "Build the receipt from the settlement of this request, not from a shared variable.",
    async run(context) {
      const { receipt, payment } = await oneSale(context);
      if (!receipt) return skipped("There is no receipt (SETL-01).");
      const { payer, network, amount } = receipt;
      const problems = [];
      if (network !== payment.offer.network) problems.push(`its network is ${show(network)}`);
      if (
        payer !== undefined &&
        show(payer).toLowerCase() !== show(payment.fields.from).toLowerCase()
      )
        problems.push(`its payer is ${show(payer)}`);
      if (amount !== undefined && show(amount).replaceAll('"', "") !== String(payment.fields.value))
        problems.push(`its amount is ${show(amount)}`);
      return judge(problems, "Network, payer and amount agree.");
    },
  },
  {
    ...common,
    id: "SETL-04",
    title: "The transaction is on the chain, and succeeded",
    level: "stated",
    severity: "critical",
    profiles: [...X402, ...MPP],
    basis: coreV2(
      "6.1.3",
      "Settlement is performed by calling the `transferWithAuthorization` function on the ERC-20 contract",
    ),
    gains: "The goods left, and no money came.",
    mend: "Await the facilitator's settle, and answer only where it says success: true with a transaction.",
    async run(context) {
      const sale = await oneSale(context);
      const transaction = await transactionOf(sale).catch((error: unknown) => {
        if ((error as Error).name === "TransactionReceiptNotFoundError") return undefined;
        throw error;
      });
      if (!transaction) return broken("The chain knows no such transaction.");
      return transaction.status === "success"
        ? holds(transaction.transactionHash)
        : broken("The transaction was reverted.");
    },
  },
  {
    ...common,
    id: "SETL-05",
    title: "The transaction moved exactly the price, to the recipient, once",
    level: "must",
    severity: "critical",
    profiles: [...X402, ...MPP],
    basis: exactEvm.says(
      "Settlement",
      "transfers exactly the authorized amount from the payer to payTo",
    ),
    gains: "Somebody else was paid, or the buyer was charged twice.",
    mend: "Read the settlement's logs: exactly one Transfer(from, payTo, amount) of the asset, or it is no sale.",
    async run(context) {
      const sale = await oneSale(context);
      const { from, to, value } = sale.payment.fields;
      const events = tokenEvents(await transactionOf(sale), sale.money);
      const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
      // A facilitator may settle other buyers' payments in the same transaction.
      const moved = events.flatMap((event) =>
        event.eventName === "Transfer" && same(event.args.from, from) ? [event.args] : [],
      );
      if (moved.length !== 1)
        return broken(`The transaction moved the buyer's money ${moved.length} times.`);
      const [only] = moved;
      return only && same(only.to, to) && only.value === value
        ? holds(`${value} to ${to}.`)
        : broken(`It moved ${only?.value} to ${only?.to}.`);
    },
  },
  {
    ...common,
    id: "SETL-06",
    title: "The transaction used this authorization",
    level: "stated",
    severity: "critical",
    profiles: [...X402, ...MPP],
    basis: exactEvm.says("Settlement", "EIP-3009: AuthorizationUsed(authorizer, nonce)"),
    gains:
      "A receipt of another payment stands for this one (it happened: four requests shared a hash).",
    mend: "Keep the settlement with the request that it is of (its nonce), never in a variable that requests share.",
    async run(context) {
      const sale = await oneSale(context);
      const { nonce } = sale.payment.fields;
      return usesNonce(await transactionOf(sale), sale.money, nonce)
        ? holds("AuthorizationUsed with our nonce.")
        : broken("The transaction did not use our authorization.");
    },
  },
  {
    ...common,
    id: "HTTP-08",
    title: "No cache may keep what was paid for",
    level: "policy",
    profiles: [...X402, ...MPP],
    basis: mppCore.says(
      "Caching",
      "RFC 9111 section 3.5 restricts shared caching only of responses to requests that contain `Authorization`",
    ),
    gains: "A shared cache serves the paid answer to everybody, unpaid.",
    mend: "Set Cache-Control: private or no-store on paid answers.",
    cwe: 524,
    async run(context) {
      const { answer } = await oneSale(context);
      const value = headerOf(answer, "cache-control");
      if (/\b(private|no-store)\b/i.test(value ?? "")) return holds(show(value));
      return broken(`Cache-Control of the paid ${answer.status} is ${show(value)}.`);
    },
  },
  {
    ...common,
    id: "HTTP-10",
    title: "Conditional and partial requests are asked to pay too",
    level: "policy",
    profiles: [...X402, ...MPP],
    basis: policy("RFC 9110, 13 and 14: a 304 or 206 is made from the paid answer."),
    gains: "A 304 tells whether the goods changed, and ranges give them away in pieces.",
    mend: "Ask for the payment before conditions and ranges are looked at.",
    async run(context) {
      const { answer } = await oneSale(context);
      const etag = headerOf(answer, "etag") ?? '"any"';
      const problems = [];
      for (const [name, value] of [
        ["If-None-Match", etag],
        ["Range", "bytes=0-9"],
      ] as const) {
        const { answer: unpaid } = await context.ask({ headers: [[name, value]] });
        if (unpaid?.status !== 402 && unpaid?.status !== 416 && unpaid?.status !== 412)
          problems.push(`${name} is answered with ${unpaid?.status}`);
        // LEAK-02 looks at the 402 before anything was sold, and does not know it.
        if (unpaid && headerOf(answer, "etag") !== undefined && headerOf(unpaid, "etag") === etag)
          problems.push(`the ${unpaid.status} has the ETag of the goods`);
      }
      return judge(problems, "402 for both.");
    },
  },
  {
    ...common,
    id: "TIME-03",
    title: "The sale ends well within its time",
    level: "policy",
    severity: "medium",
    basis: policy(
      "An authorization that expires while the work is done cannot be settled; six seconds are for the chain.",
    ),
    gains: "Work without money, or a buyer who signs again and pays twice.",
    mend: "Raise maxTimeoutSeconds, or settle first (extra.paymentFlow: upfront) where the work is slow.",
    async run(context) {
      const { ms, payment } = await oneSale(context);
      const limit = Number(payment.offer.raw["maxTimeoutSeconds"]) * 1000;
      if (!Number.isFinite(limit)) return skipped("No maxTimeoutSeconds.");
      if (ms > limit - 6000) return broken(`${Math.round(ms)} ms of ${limit}.`);
      return ms > limit / 2
        ? noted(`${Math.round(ms)} ms of ${limit}.`)
        : holds(`${Math.round(ms)} ms of ${limit}.`);
    },
  },
  {
    ...common,
    id: "MPP-05",
    title: "The receipt says success, and the answer is private",
    level: "must",
    profiles: MPP,
    basis: mppCore(
      "Caching",
      "Responses containing `Payment-Receipt` headers MUST include `Cache-Control: private` to prevent shared caches from storing payment receipts.",
    ),
    gains: unproven,
    mend: "Send Payment-Receipt on 2xx answers only, with Cache-Control: private.",
    async run(context) {
      const { receipt, answer } = await oneSale(context);
      if (!receipt) return noted("There is no Payment-Receipt, which SHOULD be there.");
      const problems = [];
      if (receipt["status"] !== "success") problems.push(`status is ${show(receipt["status"])}`);
      const value = headerOf(answer, "cache-control");
      const isPrivate = /\bprivate\b/i.test(value ?? "");
      const isUnstored = /\bno-store\b/i.test(value ?? "");
      if (!isPrivate && !isUnstored) problems.push(`Cache-Control is ${show(value)}`);
      if (problems.length === 0 && !isPrivate)
        return noted(
          `Cache-Control is ${show(value)}: it forbids more, and the draft's word is private.`,
        );
      return judge(problems, "success, private.");
    },
  },
];
