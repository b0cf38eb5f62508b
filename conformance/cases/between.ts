/** What happens on the chain between the check and the settlement: the money goes elsewhere, and the goods must stay. */
import { encodeFunctionData, type Hex } from "viem";
import { TOKEN_ABI } from "../../chain/index.ts";
import { type Case, unseen } from "../case.ts";
import { policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { before, type Fault } from "../harness/faults.ts";
import type { Happening } from "../harness/timeline.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { newStranger } from "../pay/payer-side.ts";
import { askPrice, type PaymentChange } from "../pay/payment.ts";
import { moneyOf } from "../pay/sale.ts";
import { prepare, stageOf } from "../pay/stage.ts";
import type { Exchange } from "../wire/exchange.ts";
import { endOf, judgeStage, soldInSpite } from "./judge-stage.ts";
import { ALL } from "./judge.ts";

const common = {
  ring: 3,
  level: "policy",
  severity: "critical",
  profiles: ALL,
  payments: 1,
  gains: "The buyer takes the goods and keeps the money: verify says only what was true then.",
  mend: "Deliver after settle says success, never on verify alone. Where the work costs much, settle first (extra.paymentFlow: upfront).",
  cwe: 367,
} as const;

export const BETWEEN_CASES: readonly Case[] = [
  {
    ...common,
    id: "TAMP-17",
    title: "A buyer who moves the money away after the check gets nothing",
    basis: policy(
      "arXiv 2605.11781 I-A: balances are checked before the work and change during it.",
    ),
    async run(context) {
      const { harness } = await stageOf(context);
      const { price } = await askPrice(context);
      const poor = newStranger();
      await harness.fund(poor.address, { usdc: price, ether: 10n ** 17n });
      const away = encodeFunctionData({
        abi: TOKEN_ABI,
        functionName: "transfer",
        args: [context.payer.account.address, price],
      });
      const change: PaymentChange = { signer: poor, fields: { from: poor.address } };
      return perish(
        context,
        before("balance-moved", () => harness.send(poor, away)),
        change,
      );
    },
  },
  {
    ...common,
    id: "RPLY-10",
    title: "A buyer who cancels the authorization after the check gets nothing",
    basis: policy(
      "EIP-3009: cancelAuthorization voids a signature that was valid a moment before.",
    ),
    async run(context) {
      const { harness } = await stageOf(context);
      const { account } = context.payer;
      const { domain } = await askPrice(context);
      return perish(context, (nonce) =>
        before("authorization-cancelled", async () => {
          const signature = await account.signTypedData({
            domain,
            types: {
              CancelAuthorization: [
                { name: "authorizer", type: "address" },
                { name: "nonce", type: "bytes32" },
              ],
            },
            primaryType: "CancelAuthorization",
            message: { authorizer: account.address, nonce },
          });
          const args = [account.address, nonce, signature] as const;
          const data = encodeFunctionData({
            abi: TOKEN_ABI,
            functionName: "cancelAuthorization",
            args,
          });
          await harness.send(account, data);
        }),
      );
    },
  },
  {
    ...common,
    id: "TAMP-21",
    title: "While the token is paused, or a party barred, nothing is sold",
    severity: "high",
    basis: policy(
      "Circle's FiatToken can be paused and addresses barred: then every transfer reverts, whatever was verified.",
    ),
    async run(context) {
      const { chain, asset } = moneyOf(context);
      const setCode = (code: Hex) =>
        chain.client.request<{ Method: string; Parameters: unknown[]; ReturnType: unknown }>({
          method: "anvil_setCode",
          params: [asset.address, code],
        });
      const code = await chain.client.getCode({ address: asset.address });
      // Reverts whatever it is asked.
      const pause = before("token-paused", () => setCode("0x60006000fd"));
      const resume = () => setCode(code ?? "0x");
      return perish(context, pause, {}, resume);
    },
  },
  {
    ...common,
    id: "WORK-20",
    title: "While the chain's clock is another than the seller's, nothing is given away",
    severity: "high",
    payments: 2,
    basis: policy(
      "A payment's window is judged by the block's time, not by the seller's: a sequencer that is late, or a server whose clock is wrong, makes what was checked unsettleable.",
    ),
    async run(context) {
      const { chain } = moneyOf(context);
      const now = () => BigInt(Math.floor(context.now() / 1000));
      type Any = { Method: string; Parameters: unknown[]; ReturnType: unknown };
      // The chain's time is that of its last block, and this chain lets it go back.
      const setTime = async (seconds: bigint) => {
        await chain.client.request<Any>({ method: "anvil_setTime", params: [Number(seconds)] });
        await chain.client.request<Any>({ method: "evm_mine", params: [] });
      };
      const restore = () => setTime(now());
      const skewed = (seconds: bigint) =>
        before(`clock-skew(${seconds})`, () => setTime(now() + seconds));
      const ahead = { fields: { validBefore: now() + 40n } };
      const first = await perish(context, skewed(120n), ahead, restore);
      if (first.kind !== "holds") return first;
      return perish(context, skewed(-120n), { fields: { validAfter: now() - 1n } }, restore);
    },
  },
];

/** Sends a payment that is good when it is verified and not any more when it is settled. */
async function perish(
  context: Context,
  fault: Fault | ((nonce: Hex) => Fault),
  change: PaymentChange = {},
  restore: () => Promise<unknown> = () => Promise.resolve(),
) {
  const prepared = await prepare(context, { change });
  const { nonce } = prepared.payment.fields;
  const { link, timeline } = prepared.stage.harness;
  const { name, act } = typeof fault === "function" ? fault(nonce) : fault;
  const over = Promise.withResolvers<void>();
  const settle: Fault = {
    name,
    act: async (way) => {
      await act(way);
      over.resolve();
    },
  };
  link.lay(nonce, { settle: [settle] });
  const from = timeline.happenings.length;
  let exchange: Exchange;
  try {
    exchange = await prepared.send();
    // Whoever answers first and settles afterwards must not meet it when it is over.
    const isOurs = (each: Happening) => each.what === "settle" && each.fault === name;
    const ms = isGrant(exchange) ? 2000 : 0;
    if (await timeline.until(isOurs, { from, ms })) await over.promise;
  } finally {
    prepared.relent();
    await restore();
  }
  const done = prepared.with(exchange);
  if (done.count("settle") === 0 && !exchange.answer) return unseen("It was never settled.");
  // A cancelled authorization counts as used, and moves nothing.
  const problems = (await soldInSpite(context, done)).filter(
    (text) => text !== "the money was taken",
  );
  return judgeStage(problems, `${endOf(exchange)}.`);
}
