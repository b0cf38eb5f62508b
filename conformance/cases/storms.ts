/** Outages and random faults: when the weather is good again, every payment has come to its end, and nothing is counted twice. */
import { setTimeout } from "node:timers/promises";
import { type Case, type Outcome, unseen } from "../case.ts";
import { policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { delayed, OUTAGES } from "../harness/faults.ts";
import { type StormOptions, weather } from "../harness/storm.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { readReceipt } from "../pay/sale.ts";
import { LATER, prepare, stageOf } from "../pay/stage.ts";
import type { Exchange } from "../wire/exchange.ts";
import { endOf, judgeStage } from "./judge-stage.ts";
import { ALL } from "./judge.ts";

const common = { ring: 3, profiles: ALL, level: "policy", severity: "high" } as const;
const resolved = policy(
  "Faults come together. Whatever the order, each payment must end paid and delivered, or neither.",
);
const gains = "In bad weather money is taken for nothing, or goods leave for nothing.";
const mend =
  "Write each step of a sale down before the next; on a lost answer ask again with the same payment; never judge by a timeout.";

export const STORM_CASES: readonly Case[] = [
  {
    ...common,
    id: "WORK-14",
    title: "After its facilitator's outage it sells again by itself",
    payments: 4,
    basis: policy(
      "Facilitators restart. Whoever needs a restart too is down for longer than they were; whoever queues may settle what was refused.",
    ),
    gains: "An outage of a minute is one of a night; or a buyer who was refused is charged later.",
    mend: "Ask the facilitator afresh for each payment; keep no queue of payments that were refused.",
    async run(context) {
      const { harness } = await stageOf(context);
      const { reset } = OUTAGES;
      const refused = await prepare(context);
      harness.link.everywhere = { verify: reset, settle: reset, supported: reset };
      harness.link.lay(refused.payment.fields.nonce, { verify: reset, settle: reset });
      const during = refused.with(await refused.send());
      await setTimeout(harness.outageMs);
      harness.link.everywhere = {};
      refused.relent();
      const fresh = await prepare(context);
      let sale = await fresh.send();
      const pause = Math.min(1_000, harness.patienceMs / 20);
      for (let turn = 0; turn < 10 && !isGrant(sale); turn++) {
        await setTimeout(pause);
        sale = await fresh.again();
      }
      const problems: string[] = [];
      if (isGrant(during.exchange)) problems.push("it sold while nobody could be asked");
      if (!isGrant(sale))
        problems.push(`asked for ten seconds after it, it answers ${endOf(sale)}`);
      if (during.count("settle") > 0 || (await during.isPaid()))
        problems.push("the payment that was not taken was settled afterwards, unasked");
      return judgeStage(problems, `${endOf(during.exchange)} during it, then ${endOf(sale)}.`);
    },
  },
  {
    ...common,
    id: "WORK-19",
    title: "After a short storm of faults every payment has come to its end",
    payments: 16,
    basis: resolved,
    gains,
    mend,
    run: (context) => storm(context, { payments: 16, width: 4, seed: seedOf(context) }),
  },
  {
    ...common,
    id: "LOAD-04",
    title: "A hundred payments at once are a hundred sales, through a jittery facilitator",
    severity: "critical",
    load: true,
    payments: 100,
    basis: policy(
      "Each payment has a nonce of its own (x402 v2, 10.1; MPP's is made of its challenge), so that a hundred at once are a hundred.",
    ),
    gains: "Under load buyers get one another's receipts, or their payments fail.",
    mend: "Keep nothing of a request in a shared variable; give the settling account a nonce queue.",
    async run(context) {
      const { witnessed } = await stageOf(context);
      const all = [];
      for (let count = 0; count < 100; count++) {
        const jitter = () => delayed(context.randomInt(400));
        all.push(await prepare(context, { verify: [jitter()], settle: [jitter()] }));
      }
      const first = await Promise.all(all.map((each) => each.send()));
      // Whoever is told to come again does so, once the rush is over.
      const exchanges: Exchange[] = [];
      for (const [at, exchange] of first.entries()) {
        const isLater = LATER.has(exchange.answer?.status ?? 0);
        exchanges.push((isLater ? await all[at]?.again() : exchange) ?? exchange);
      }
      const problems: string[] = [];
      const transactions: string[] = [];
      for (const [at, prepared] of all.entries()) {
        const exchange = exchanges[at];
        if (!exchange) continue;
        const paid = await prepared.isPaid();
        if (!isGrant(exchange))
          problems.push(`payment ${at + 1}: ${endOf(exchange)}, ${paid ? "" : "not "}paid`);
        else if (!paid) problems.push(`payment ${at + 1} was granted, and not paid`);
        const receipt = exchange.answer && readReceipt(exchange.answer, context);
        const payer = textOf(receipt?.["payer"]).toLowerCase();
        if (payer !== "" && payer !== prepared.payment.fields.from.toLowerCase())
          problems.push(`payment ${at + 1} got the receipt of ${payer}`);
        transactions.push(textOf(receipt?.["transaction"]));
      }
      const works = all[0]?.works();
      if (witnessed && works !== all.length) problems.push(`the work was done ${works} times`);
      const told = `${exchanges.filter(isGrant).length} sales, ${new Set(transactions).size} transactions.`;
      return judgeStage(problems, told);
    },
  },
  {
    ...common,
    id: "LOAD-05",
    title: "After minutes of random faults every payment has come to its end",
    severity: "critical",
    load: true,
    payments: 20_000,
    basis: resolved,
    gains,
    mend,
    async run(context) {
      const { harness } = await stageOf(context);
      return storm(context, { ms: harness.stormMs, width: 8, seed: `long ${seedOf(context)}` });
    },
  },
];

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const seedOf = ({ harness }: Context): string => harness?.chaosSeed ?? "1";

async function storm(context: Context, options: StormOptions): Promise<Outcome> {
  const { payments, paid, works, problems } = await weather(context, options);
  const worked = works === undefined ? "" : `, worked for ${works} times`;
  const told = `${payments} payments, ${paid} paid and delivered${worked} (seed ${options.seed}).`;
  if (paid === 0) return unseen(`None of ${payments} payments was taken in the end.`);
  return judgeStage(problems, told);
}
