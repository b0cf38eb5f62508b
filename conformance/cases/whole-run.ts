/** Group I, second part: looked at over the whole run, when everything else is over: every sale, every receipt, every unit. */
import type { Hex } from "viem";
import { broken, type Case, holds, skipped, told, unclear } from "../case.ts";
import { coreV2, exactEvm, policy } from "../basis.ts";
import type { Context, SignedPayment } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import {
  buy,
  isUsed,
  moneyOf,
  oneSale,
  readReceipt,
  transactionOf,
  usesNonce,
} from "../pay/sale.ts";
import { show, walk } from "../read/json.ts";
import type { Exchange } from "../wire/exchange.ts";
import { judge, MPP, X402 } from "./judge.ts";

const ALL = [...X402, ...MPP];
const common = { ring: 2, profiles: ALL, level: "policy", severity: "critical" } as const;

/** Every payment of the run, with what was answered to it. */
function salesOf({ signed, exchanges }: Context) {
  const byHeader = new Map<string, { payment: SignedPayment; answers: Exchange[] }>();
  for (const payment of signed) byHeader.set(payment.header, { payment, answers: [] });
  for (const exchange of exchanges)
    for (const [, value] of exchange.request.headers)
      byHeader.get(value.replace(/^Payment /, ""))?.answers.push(exchange);
  return [...byHeader.values()];
}

export const WHOLE_RUN_CASES: readonly Case[] = [
  {
    ...common,
    id: "SETL-07",
    title: "A sale takes exactly its price from the buyer, and gives it to the seller",
    payments: 1,
    basis: policy(
      "What the receipt says is told by the seller; the balances are told by the chain.",
    ),
    gains: "The buyer pays a fee that nobody named, or the seller never sees the money.",
    mend: "Settle with transferWithAuthorization to your own address, before you answer.",
    async run(context) {
      const { chain } = moneyOf(context);
      const from = context.payer.account.address;
      const to = (await context.challenge()).offers[0]?.payTo;
      if (typeof to !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(to))
        return unclear(`payTo is ${show(to)}.`);
      const balances = () => Promise.all([chain.balanceOf(from), chain.balanceOf(to as Hex)]);
      const [had, held] = await balances();
      const { payment } = await buy(context);
      const [has, holdsNow] = await balances();
      const { value } = payment.fields;
      const [paid, got] = [had - has, holdsNow - held];
      return paid === value && got >= value
        ? holds(`${value} from the buyer, ${got} to the seller.`)
        : broken(`The price is ${value}; the buyer paid ${paid}, and the seller got ${got}.`);
    },
  },
  {
    ...common,
    id: "SETL-08",
    title: "Every receipt of the run proves its own payment",
    basis: policy(
      "Several payments may settle in one transaction, as batching facilitators do; each must be in the one that its receipt names. Four receipts of one payment's transaction were seen in the wild.",
    ),
    gains: "A buyer shows somebody else's settlement as proof, and the books count it twice.",
    mend: "Keep the settlement with the request that it is of; look for your nonce in its logs.",
    async run(context) {
      const money = moneyOf(context);
      const problems: string[] = [];
      let proven = 0;
      for (const { payment, answers } of salesOf(context)) {
        if (!payment.asSigned) continue;
        const sold = answers.find(
          (exchange) => isGrant(exchange) && exchange.request.method !== "HEAD",
        );
        const receipt = sold?.answer && readReceipt(sold.answer, context);
        const hash = receipt?.["transaction"] ?? receipt?.["reference"];
        if (!sold || typeof hash !== "string" || !/^0x[0-9a-f]{64}$/i.test(hash)) continue;
        const transaction = await money.chain.client
          .getTransactionReceipt({ hash: hash as Hex })
          .catch(() => undefined);
        if (transaction && usesNonce(transaction, money, payment.nonce)) proven += 1;
        else {
          context.cite(sold.index);
          problems.push(
            `the receipt of exchange ${sold.index} names ${hash.slice(0, 12)}…, which did not settle it`,
          );
        }
      }
      if (proven === 0 && problems.length === 0) return skipped("No receipt names a transaction.");
      return judge(problems, `${proven} receipts, each with its own payment in its transaction.`);
    },
  },
  {
    ...common,
    id: "SETL-09",
    title: "What was sold in the run is what was settled in it",
    basis: policy(
      "Over any number of requests: what was granted, what was settled, and what left the buyer's account are the same set.",
    ),
    gains:
      "Goods leave without money, or money without goods, in the corner that no single request shows.",
    mend: "Answer 2xx only where this payment's settlement is recorded, and record it before you answer.",
    async run(context) {
      const money = moneyOf(context);
      const problems: string[] = [];
      let settled = 0;
      let expected = 0n;
      for (const { payment, answers } of salesOf(context)) {
        const sent = answers.filter(({ request }) => request.method !== "HEAD");
        const granted = sent.find(isGrant);
        const used = await isUsed(money, payment.from, payment.nonce);
        if (used) settled += 1;
        if (granted && !used && payment.asSigned) {
          context.cite(granted.index);
          problems.push(`exchange ${granted.index} was granted, and its payment was never settled`);
        }
        if (used) expected += payment.value;
        // A lost answer is IDEM-08's, and what the tester has settled itself RPLY-09's.
        const [refused] = sent;
        const isRefused = sent.every(({ answer }) => answer !== undefined) && !granted;
        if (used && refused && isRefused && payment.settledByTester !== true) {
          context.cite(refused.index);
          problems.push(`the payment of exchange ${refused.index} was settled, and never granted`);
        }
      }
      const { chain } = money;
      const isMoved = (await chain.client.getBlockNumber()) > context.fromBlock;
      const search = { fromBlock: context.fromBlock + 1n };
      const moved = isMoved ? await chain.transfersFrom(context.payer.account.address, search) : [];
      const left = moved.reduce((sum, { value }) => sum + value, 0n);
      if (left !== expected)
        problems.push(
          `${left} atomic units left the buyer's account, and the payments that settled are of ${expected}`,
        );
      if (settled === 0 && problems.length === 0) return skipped("Nothing was sold.");
      return judge(
        problems,
        `${settled} payments of ${expected} in all were settled; no more left the account, and nothing was granted without.`,
      );
    },
  },
  {
    ...common,
    id: "SETL-13",
    title: "A receipt holds nothing but the receipt",
    level: "advice",
    severity: "low",
    payments: 1,
    basis: coreV2.says(
      "7.2.1 (later revision)",
      "What a facilitator's extensions answer is for the server, not for the buyer.",
    ),
    gains:
      "Buyers read what the facilitator tells its customer: internal ids, screening results, addresses.",
    mend: "Build the receipt from success, transaction, network, payer and amount.",
    async run(context) {
      const { receipt } = await oneSale(context);
      if (!receipt) return skipped("There is no receipt (SETL-01).");
      const odd = [...walk(receipt)].flatMap(([path, value]) =>
        /extensionResponses|email|phone|ip_?address|api_?key|secret|internal/i.test(path) ||
        (typeof value === "string" && /[\w.]+@[\w-]+\.\w+/.test(value))
          ? [`it has ${show(path)}`]
          : [],
      );
      return judge(odd, Object.keys(receipt).join(", "));
    },
  },
  {
    ...common,
    id: "SETL-15",
    title: "How deep the settlement was when the goods were given",
    level: "info",
    severity: "low",
    payments: 1,
    basis: exactEvm.says("Settlement", "No number of confirmations is asked for."),
    gains: "Nothing; whoever sells dear things waits for more blocks than whoever sells weather.",
    mend: "Nothing to mend.",
    async run(context) {
      const sale = await oneSale(context);
      const { blockNumber } = await transactionOf(sale);
      const head = await sale.money.chain.client.getBlockNumber();
      return told(`In block ${blockNumber}; the newest is ${head} by now.`);
    },
  },
  {
    ...common,
    id: "LEAK-04",
    title: "The paid answer tells nothing of the server's inside",
    level: "advice",
    severity: "medium",
    payments: 1,
    basis: policy("CWE-200: headers of proxies and facilitators pass through to the buyer."),
    gains: "Internal hosts and the facilitator's key help whoever attacks next.",
    mend: "Send only headers that you name; drop what a backend or a facilitator answered.",
    cwe: 200,
    async run(context) {
      const { answer } = await oneSale(context);
      const own = new URL(context.target.url).hostname;
      const problems = answer.headers.flatMap(([name, value]) => {
        if (/^(x-(facilitator|internal|backend|upstream|cdp)|extension-responses)/i.test(name))
          return [`it has ${name}`];
        const key = /(?:api[_-]?key|secret|bearer)["':= ]+\w{8,}/i.exec(value)?.[0];
        const host = /\b(?:10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|[\w-]+\.(?:internal|local))\b/.exec(
          value,
        )?.[0];
        const found = key ?? (host === own ? undefined : host);
        return found === undefined ? [] : [`${name} says ${show(found, 40)}`];
      });
      return judge(problems, `${answer.headers.length} headers.`);
    },
  },
];
