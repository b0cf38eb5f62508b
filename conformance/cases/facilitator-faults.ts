/** Group J: a facilitator that is away, or says what cannot be. Nothing is sold on its silence, and nobody waits for ever. */
import { type Case, noted, skipped } from "../case.ts";
import { policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { alters, type Fault, INTERNAL, OUTAGES, says } from "../harness/faults.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { readReceipt } from "../pay/sale.ts";
import { perform, type Performance, prepare, stageOf } from "../pay/stage.ts";
import type { Exchange } from "../wire/exchange.ts";
import { endOf, judgeStage, unsettled, soldInSpite } from "./judge-stage.ts";
import { ALL } from "./judge.ts";

const common = { ring: 3, profiles: ALL, severity: "critical", level: "policy" } as const;
const STRANGER = `0x${"ab".repeat(20)}`;
/** They keep the buyer waiting, so they are begun early. */
const SILENT: readonly Fault[] = [OUTAGES.hang, OUTAGES.drip];
const LOUD: readonly Fault[] = [
  OUTAGES.reset,
  OUTAGES.unavailable,
  OUTAGES.garbage,
  OUTAGES.nothing,
  OUTAGES.oversize,
];

interface Waiting {
  readonly fault: Fault;
  readonly prepared: Awaited<ReturnType<typeof prepare>>;
  readonly sent: Promise<Exchange>;
}

const memoOf = ({ profile }: Context) => `WORK-06 ${profile}`;

/** It is begun with its ring and waits for the longest, so that it is run behind the others. */
export const SILENCE_CASES: readonly Case[] = [
  {
    ...common,
    id: "WORK-06",
    title: "Nothing is sold while the facilitator cannot be asked",
    payments: LOUD.length + SILENT.length,
    basis: policy(
      "A facilitator that is silent, or talks nonsense, has not said yes. Its outage is not the buyer's gain, and not the buyer's wait.",
    ),
    gains: "Whoever knocks your facilitator out shops for nothing.",
    mend: "Go on only where isValid is true in a 200 answer; give it a deadline, and answer 503 with Retry-After.",
    cwe: 636,
    beginsIn: 2,
    async begin(context) {
      const { verifies } = await stageOf(context);
      if (!verifies) return;
      const waiting: Waiting[] = [];
      for (const fault of SILENT) {
        const prepared = await prepare(context, { verify: fault });
        const sent = prepared.send();
        void sent.catch(() => undefined);
        waiting.push({ fault, prepared, sent });
      }
      context.memo.set(memoOf(context), waiting);
    },
    async run(context) {
      const { verifies, witnessed } = await stageOf(context);
      if (!verifies) return skipped("It does not ask its facilitator to verify.");
      const waiting = (context.memo.get(memoOf(context)) as Waiting[] | undefined) ?? [];
      const loud: Waiting[] = [];
      for (const fault of LOUD) {
        const prepared = await prepare(context, { verify: fault });
        loud.push({ fault, prepared, sent: prepared.send() });
      }
      const all = [...loud, ...waiting];
      const ends = await Promise.all(all.map(async ({ sent }) => await sent));
      const problems: string[] = [];
      // The payments are in flight together, and none of them may be worked for.
      if (loud.some(({ prepared }) => (prepared.works() ?? 0) > 0))
        problems.push("the work was done");
      for (const [at, { fault, prepared }] of all.entries()) {
        const exchange = ends[at];
        if (!exchange) continue;
        const done = prepared.with(exchange);
        const wrong = await soldInSpite(context, done);
        if (done.count("settle") > 0) wrong.push("it was sent to be settled");
        if (echoes(exchange)) wrong.push("the facilitator's own words were passed on");
        problems.push(...wrong.map((text) => `${fault.name}: ${text}`));
      }
      const told = all.map(({ fault }, at) => `${fault.name} ${ends[at] && endOf(ends[at])}`);
      const judged = judgeStage(problems, `${told.join(", ")}.`, !witnessed);
      return judged.kind === "holds" && ends.some(({ answer }) => answer?.status === 402)
        ? noted(
            `${told.join(", ")}. A 402 says that the payment is wrong, and it is the facilitator that is away: 503 with Retry-After says so.`,
          )
        : judged;
    },
  },
];

export const FACILITATOR_FAULT_CASES: readonly Case[] = [
  {
    ...common,
    id: "WORK-08",
    title: "A settlement without a transaction is no payment",
    payments: 1,
    basis: policy(
      "x402 v2 (5.3.2): `transaction` is an empty string if settlement failed. MPP on EVM chains: a receipt waits for the transaction to be in a block.",
    ),
    gains: "A facilitator that answers too early, or for a test, has the goods given away.",
    mend: "Take success: true only with a transaction hash; else treat it as not known.",
    async run(context) {
      const settle = says("success-without-transaction", {
        success: true,
        transaction: "",
        network: context.profile === "x402-v1" ? "base-sepolia" : "eip155:84532",
        payer: context.payer.account.address,
      });
      const done = await perform(context, { settle });
      if (done.count("settle") === 0) return unsettled(done.exchange);
      return judgeStage(await soldInSpite(context, done), `${endOf(done.exchange)}.`);
    },
  },
  {
    ...common,
    id: "WORK-10",
    title: "A yes for another payer is no yes",
    severity: "high",
    payments: 1,
    basis: policy(
      "The answer of /verify names the payer that it checked: where it is another one, answers were mixed up on the way.",
    ),
    gains: "A proxy or a cache that mixes answers up sells to those who did not pay.",
    mend: "Compare the answer's payer with the authorization's from; if they differ, nothing was said.",
    async run(context) {
      const { verifies } = await stageOf(context);
      if (!verifies) return skipped("It does not ask its facilitator to verify.");
      const done = await perform(context, { verify: alters("another-payer", { payer: STRANGER }) });
      return judgeAltered(context, done);
    },
  },
  {
    ...common,
    id: "WORK-17",
    title: "A receipt of another payer or network is not handed on as this buyer's",
    level: "advice",
    severity: "medium",
    payments: 2,
    basis: policy(
      "The facilitator's answer names payer and network: what does not fit the payment is not an answer to it.",
    ),
    gains: "Buyers get receipts of one another, and books that do not match the chain.",
    mend: "Compare network and payer of the settlement with the payment; if they differ, ask again.",
    async run(context) {
      const problems: string[] = [];
      const told: string[] = [];
      for (const [what, change] of Object.entries({
        "another payer": { payer: STRANGER },
        "another network": { network: "eip155:1" },
      })) {
        const done = await perform(context, { settle: [alters(what, change)] });
        if (done.count("settle") === 0) return unsettled(done.exchange);
        const receipt = done.exchange.answer && readReceipt(done.exchange.answer, context);
        const [[name, value] = []] = Object.entries(change);
        if (isGrant(done.exchange) && name !== undefined && receipt?.[name] === value)
          problems.push(`the receipt names ${what}`);
        told.push(`${what}: ${endOf(done.exchange)}`);
      }
      return judgeStage(problems, `${told.join(", ")}.`);
    },
  },
];

async function judgeAltered(context: Context, done: Performance) {
  const problems = await soldInSpite(context, done);
  const works = done.works();
  if ((works ?? 0) > 0) problems.push("the work was done");
  return judgeStage(problems, `${endOf(done.exchange)}.`, works === undefined);
}

export const echoes = ({ answer }: Exchange): boolean =>
  JSON.stringify([answer?.headers, answer?.body]).includes(INTERNAL);
