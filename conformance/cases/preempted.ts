/** Group G, fourth part: an authorization that is on the chain before it comes to the endpoint. */
import { encodeFunctionData } from "viem";
import { TOKEN_ABI } from "../../chain/index.ts";
import { broken, type Case, holds, noted, unclear } from "../case.ts";
import { policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { askPrice, makePayment, type Payment } from "../pay/payment.ts";
import { moneyOf } from "../pay/sale.ts";
import { show } from "../read/json.ts";
import { reasonOf } from "./errors.ts";
import { MPP, X402 } from "./judge.ts";

export const PREEMPTED_CASES: readonly Case[] = [
  {
    id: "RPLY-09",
    title: "A payment that somebody else has settled already gets a plain answer",
    level: "policy",
    severity: "high",
    ring: 2,
    payments: 1,
    profiles: [...X402, ...MPP],
    basis: policy(
      "Anybody may submit a transferWithAuthorization that they have seen (arXiv 2605.11781, I-B): then the seller has the money and its own settlement fails.",
    ),
    gains: "Whoever watches pending transactions makes every purchase fail, with the money taken.",
    mend: "Where settling fails, ask the chain for this authorization: a transfer to you of this amount is a payment, whoever sent it.",
    async run(context) {
      const money = moneyOf(context);
      const payment = await makePayment(context, await askPrice(context));
      const problem = await submit(context, payment);
      if (problem !== undefined) return unclear(problem);
      const own = context.signed.find(({ nonce }) => nonce === payment.fields.nonce);
      if (own) own.settledByTester = true;
      const before = await money.chain.balanceOf(payment.fields.from);
      const exchange = await context.ask(
        { headers: [payment.header] },
        { alone: true, deadlineMs: 60_000 },
      );
      const status = exchange.answer?.status ?? exchange.failure;
      if ((await money.chain.balanceOf(payment.fields.from)) < before)
        return broken(`It was answered with ${status}, and charged a second time.`);
      if (isGrant(exchange)) return holds(`${status}: the transfer counts as paid.`);
      if (!exchange.answer || exchange.answer.status >= 500)
        return broken(`The seller has the money, and the buyer gets ${status}.`);
      const reason = reasonOf(exchange.answer);
      return reason === ""
        ? noted(
            `${status}, without a reason: the seller has the money, and the buyer is told nothing.`,
          )
        : holds(`${status}, ${show(reason)}; the seller has the money, and must give it back.`);
    },
  },
];

/** Sends the authorization to the chain from the payer's own account; what went wrong, or undefined. */
async function submit(context: Context, { value, fields }: Payment): Promise<string | undefined> {
  const { account } = context.payer;
  const { chain, asset } = moneyOf(context);
  const { client } = chain;
  if ((await client.getBalance({ address: account.address })) === 0n)
    return "The payer has no gas to settle a payment itself.";
  const { payload } = value as { payload: { signature: `0x${string}` } };
  const { from, to, value: amount, validAfter, validBefore, nonce } = fields;
  const data = encodeFunctionData({
    abi: TOKEN_ABI,
    functionName: "transferWithAuthorization",
    args: [from, to, amount, validAfter, validBefore, nonce, payload.signature],
  });
  const request = await client.prepareTransactionRequest({
    account,
    to: asset.address,
    data,
    type: "eip1559",
    chain: undefined,
  });
  const raw = await account.signTransaction({ ...request, chainId: asset.chainId });
  const hash = await client.sendRawTransaction({ serializedTransaction: raw });
  const { status } = await client.waitForTransactionReceipt({ hash, pollingInterval: 50 });
  return status === "success" ? undefined : "The chain refused the authorization.";
}
