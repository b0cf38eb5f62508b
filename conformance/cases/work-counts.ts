/** What only a look behind the endpoint shows: how often the work was done, and for whom. */
import { type Case, unseen } from "../case.ts";
import { mppCore, policy } from "../basis.ts";
import type { Context, RequestChange } from "../context.ts";
import { casesWithUnpaidWork } from "../harness/unpaid-work.ts";
import { cached, says } from "../harness/faults.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { newStranger } from "../pay/payer-side.ts";
import { askPrice, makePayment } from "../pay/payment.ts";
import { prepare, stageOf } from "../pay/stage.ts";
import type { Exchange } from "../wire/exchange.ts";
import { endOf, judgeStage } from "./judge-stage.ts";
import { ALL, MPP } from "./judge.ts";

const common = { ring: 3, severity: "high" } as const;

export const WORK_COUNT_CASES: readonly Case[] = [
  {
    ...common,
    id: "WORK-18",
    title: "No request that is refused does the work",
    level: "policy",
    profiles: ALL,
    payments: 1,
    basis: policy(
      "The cases of rings 0 and 1 see what comes out. Behind the endpoint it shows whether a refused request was worked for all the same.",
    ),
    gains: "An attacker spends your compute, your quota and your side effects without a payment.",
    mend: "Await the check before the handler runs, for every method and every spelling of the path.",
    cwe: 696,
    async run(context) {
      const { witnessed } = await stageOf(context);
      if (!witnessed) return judgeStage([], "", true);
      const earlier = casesWithUnpaidWork(context);
      const problems = earlier.length === 0 ? [] : [`in ${[...new Set(earlier)].join(", ")}`];
      for (const [what, change] of Object.entries(await refusedRequests(context))) {
        const { exchange, works } = await count(context, change);
        if (works > 0 && !isGrant(exchange)) problems.push(`${what} (${endOf(exchange)})`);
        else if (works > 0) problems.push(`${what}, which was granted`);
      }
      const worked = problems.map((text) => `the work was done ${text}`);
      return judgeStage(worked, "Nothing that was refused was worked for.");
    },
  },
  {
    ...common,
    id: "MPP-18",
    title: "An unpaid request changes nothing",
    level: "must",
    profiles: MPP,
    payments: 1,
    basis: mppCore(
      "Idempotency and Side Effects",
      "Servers MUST NOT perform side effects (database writes, external API calls, resource creation) for requests that have not been paid.",
    ),
    gains: "Orders are placed, mails are sent and quotas are used by whoever never pays.",
    mend: "Ask for the payment before anything is written: no order, no mail, no quota before the credential is verified.",
    cwe: 696,
    async run(context) {
      const { harness } = context;
      const from = harness?.timeline.happenings.length ?? 0;
      const { witnessed } = await stageOf(context).catch(() => ({ witnessed: false }));
      const isSeen = witnessed || worksSince(context, from) > 0;
      if (!isSeen) return judgeStage([], "", true);
      const asked = await count(context, {});
      const problems =
        asked.works > 0 ? [`an unpaid request did the work (${endOf(asked.exchange)})`] : [];
      return judgeStage(problems, `${endOf(asked.exchange)}, nothing done.`);
    },
  },
  {
    ...common,
    id: "RPLY-03",
    title: "Copies of a payment do the work once, though the facilitator says yes to each",
    level: "policy",
    severity: "critical",
    profiles: ALL,
    payments: 1,
    basis: policy(
      "Facilitators are idempotent: settling a payment again is answered with the first success. That yes is no leave to sell again.",
    ),
    gains: "One payment has the work done as often as it is sent at once.",
    mend: "Reserve (asset, from, nonce) durably and atomically before the work; give the same bytes the stored answer.",
    cwe: 367,
    async run(context) {
      const yes = { isValid: true, payer: context.payer.account.address };
      const prepared = await prepare(context, {
        verify: says("always-valid", yes),
        settle: cached(),
      });
      const copies = await Promise.all(Array.from({ length: 10 }, () => prepared.send()));
      const exchanges = [...copies, await prepared.again()];
      const grants = exchanges.filter(isGrant);
      const works = prepared.works();
      const bodies = new Set(grants.map(({ answer }) => answer?.body));
      const problems: string[] = [];
      if ((works ?? 0) > 1) problems.push(`the work was done ${works} times`);
      if (bodies.size > 1) problems.push(`there were ${bodies.size} different deliveries`);
      const told = `${grants.length} of ${exchanges.length} were granted, of one piece of work.`;
      if (grants.length === 0)
        return unseen(`None was granted: ${endOf(exchanges[0] as Exchange)}.`);
      // Different bodies show more than one piece of work; equal ones show nothing where nobody counts.
      return judgeStage(problems, told, works === undefined && grants.length > 1);
    },
  },
];

async function refusedRequests(context: Context): Promise<Record<string, RequestChange>> {
  const offer = await askPrice(context);
  const zeros = await makePayment(context, offer, { signature: () => `0x${"00".repeat(65)}` });
  const poor = newStranger();
  const broke = { signer: poor, fields: { from: poor.address } };
  const unfunded = await makePayment(context, offer, broke);
  const less = await makePayment(context, offer, { fields: { value: offer.price - 1n } });
  const name = zeros.header[0];
  return {
    "for an unpaid request": {},
    "for HEAD": { method: "HEAD" },
    "for a payment that cannot be read": { headers: [[name, "bm90aGluZw=="]] },
    "for a signature of zeros": { headers: [zeros.header] },
    "for a payer without money": { headers: [unfunded.header] },
    "for one unit less": { headers: [less.header] },
  };
}

async function count(context: Context, change: RequestChange) {
  const from = context.harness?.timeline.happenings.length ?? 0;
  const exchange = await context.ask(change, { alone: true });
  return { exchange, works: worksSince(context, from) };
}

function worksSince({ harness }: Context, from: number): number {
  return harness?.timeline.happenings.slice(from).filter(({ what }) => what === "work").length ?? 0;
}
