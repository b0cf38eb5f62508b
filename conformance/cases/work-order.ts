/** Group J: the order of work. Nothing is done for what is not paid, and nothing is taken for what is not done. */
import { setTimeout } from "node:timers/promises";
import { type Case, noted, skipped, unseen } from "../case.ts";
import { coreV2, coreV2Flows, httpV2, policy } from "../basis.ts";
import { alters, says } from "../harness/faults.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { moneyOf, readReceipt } from "../pay/sale.ts";
import { flowOf, perform, performSale, prepare, stageOf } from "../pay/stage.ts";
import { reasonOf } from "./errors.ts";
import { endOf, judgeStage, unsettled, soldInSpite } from "./judge-stage.ts";
import { ALL, X402, X402_V2 } from "./judge.ts";

const common = { ring: 3, profiles: X402, payments: 1, severity: "high" } as const;
/** Facilitators want six seconds left when they verify; the rest is for a machine that is busy until then. */
const WINDOW_SECONDS = 10n;
const freeWork = "An attacker has the work done as often as it likes, and pays for none of it.";
const upfront = skipped("Its flow is upfront: it settles first, and says so (WORK-15).");

export const WORK_ORDER_CASES: readonly Case[] = [
  {
    ...common,
    id: "WORK-01",
    title: "What the facilitator refuses is not worked for, and not settled",
    level: "must",
    severity: "critical",
    basis: coreV2Flows(
      "6.1",
      "Invariant: at least one check — a verify or settle before the resource — MUST run before the resource executes. The resource never executes with nothing checked.",
    ),
    gains: freeWork,
    mend: "Await verify, and go on only where isValid is true; else answer 402 with its invalidReason.",
    cwe: 862,
    async run(context) {
      const { verifies } = await stageOf(context);
      if (!verifies) return skipped("It does not ask its facilitator to verify.");
      const verify = says("refuses", {
        isValid: false,
        invalidReason: "insufficient_funds",
        payer: context.payer.account.address,
      });
      const done = await perform(context, { verify });
      const problems = await soldInSpite(context, done);
      const { works, count, exchange } = done;
      if ((works() ?? 0) > 0) problems.push("the work was done");
      if (count("settle") > 0) problems.push("it was sent to be settled");
      const judged = judgeStage(
        problems,
        `${endOf(exchange)}, not settled.`,
        works() === undefined,
      );
      // What the facilitator said of the payment is the buyer's to know.
      const silent = exchange.answer !== undefined && reasonOf(exchange.answer) === "";
      return judged.kind === "holds" && silent
        ? noted(`${endOf(exchange)}, not settled, and no reason is given.`)
        : judged;
    },
  },
  {
    ...common,
    id: "WORK-02",
    title: "It verifies, works, settles and answers, in this order",
    level: "stated",
    basis: coreV2Flows(
      "6.1",
      "`authorization` (default) | verify → resource → settle → respond | Read-only verify before the resource executes; funds move only after it completes successfully.",
    ),
    gains: "Work that fails is paid for, or what is paid for is not known to be payable.",
    mend: "Await verify, then run the handler, then await settle, then send its answer with the receipt.",
    async run(context) {
      const done = await performSale(context);
      if (flowOf(done.payment) !== "authorization") return upfront;
      const order = done.happened().map(({ what }) => what);
      const [verify, work, settle] = (["verify", "work", "settle"] as const).map((what) =>
        order.indexOf(what),
      ) as [number, number, number];
      const problems: string[] = [];
      if (settle < 0) problems.push("it had not settled when it answered");
      if (verify > settle && settle >= 0) problems.push("it settled before it verified");
      if (work >= 0 && verify > work) problems.push("it worked before it verified");
      if (work >= 0 && settle >= 0 && settle < work) problems.push("it settled before it worked");
      return judgeStage(problems, `${order.join(", ")}, answer.`, work < 0);
    },
  },
  {
    ...common,
    id: "WORK-03",
    title: "Work that fails is not charged",
    level: "stated",
    severity: "critical",
    basis: coreV2Flows(
      "6.1",
      "if the resource handler fails, an `authorization` payment flow is never settled",
    ),
    gains: "Buyers pay for your outages, and you owe each of them a refund.",
    mend: "Settle only where the handler's status is below 400.",
    async run(context) {
      const { witnessed } = await stageOf(context);
      if (!witnessed) return judgeStage([], "", true);
      const done = await perform(context, { work: { status: 500 } });
      if (flowOf(done.payment) !== "authorization") return upfront;
      if (isGrant(done.exchange))
        return unseen("It answers well though the witness said 500: let it fail where that fails.");
      if (done.works() !== 1)
        return unseen(`It worked ${done.works()} times for one payment: what failed was repeated.`);
      const paid = (await done.isPaid()) || done.count("settle") > 0;
      const problems = paid ? [`it answered ${endOf(done.exchange)} and settled`] : [];
      return judgeStage(problems, `${endOf(done.exchange)}, not settled.`);
    },
  },
  {
    ...common,
    id: "WORK-04",
    title: "Work that outlasts the authorization is not given away",
    profiles: ALL,
    level: "policy",
    severity: "medium",
    basis: policy(
      "An authorization that expires during the work cannot be settled: the specification sends long handlers to the upfront flow.",
    ),
    gains: "A buyer signs for a short time, and gets the slow work for nothing.",
    mend: "Refuse a payment whose validBefore is nearer than the work takes; deliver nothing that did not settle.",
    beginsIn: 2,
    async begin(context) {
      const { witnessed, harness } = await stageOf(context);
      if (!witnessed) return;
      // By the later of both clocks, as a facilitator judges it: a chain that mines often in a second is ahead of the tester's.
      const block = await moneyOf(context).chain.client.getBlock();
      const clock = BigInt(Math.floor(context.now() / 1000));
      const validBefore = (block.timestamp > clock ? block.timestamp : clock) + WINDOW_SECONDS;
      const { timeline } = harness;
      const from = timeline.happenings.length;
      const prepared = await prepare(context, {
        change: { fields: { validBefore } },
        send: { deadlineMs: 30_000 },
      });
      const leftMs = Number(validBefore) * 1000 - context.now();
      harness.witness.next({ afterMs: leftMs + 2000 });
      const sent = prepared.send();
      void sent.catch(() => undefined);
      context.memo.set(`WORK-04 ${context.profile}`, { prepared, sent });
      await Promise.race([timeline.until(({ what }) => what === "work", { from, ms: 8000 }), sent]);
      harness.witness.forget();
    },
    async run(context) {
      const { witnessed } = await stageOf(context);
      if (!witnessed) return judgeStage([], "", true);
      const { prepared, sent } = context.memo.get(`WORK-04 ${context.profile}`) as {
        prepared: Awaited<ReturnType<typeof prepare>>;
        sent: ReturnType<typeof prepared.send>;
      };
      const done = prepared.with(await sent);
      const isPaid = await done.isPaid();
      if (isGrant(done.exchange) && isPaid && done.exchange.ms < 8_000)
        return unseen("Its work was not held up, so the authorization did not run out.");
      const granted = isGrant(done.exchange) && !isPaid;
      const problems = granted
        ? ["it was granted after the authorization had expired, and nothing was paid"]
        : [];
      return judgeStage(problems, `${endOf(done.exchange)}.`);
    },
  },
  {
    ...common,
    id: "WORK-05",
    title: "What does not settle is not delivered, and not worked for again",
    profiles: ALL,
    level: "policy",
    severity: "critical",
    basis: policy(
      "Between the check and the settlement the payer may spend the money elsewhere: the work is lost then, but once, and it is not given away.",
    ),
    gains: freeWork,
    mend: "Hold the answer back until settle says success; remember (asset, from, nonce) also of what failed.",
    async run(context) {
      const done = await perform(context, { settle: refusesToSettle(context) });
      if (done.count("settle") === 0) return unsettled(done.exchange);
      const problems = await soldInSpite(context, done);
      done.relent();
      const again = await done.again();
      const works = done.works();
      if ((works ?? 0) > 1) problems.push(`the work was done ${works} times for one payment`);
      if (isGrant(again) && !(await done.isPaid()))
        problems.push("the same payment was granted when it came again, unpaid");
      return judgeStage(
        problems,
        `${endOf(done.exchange)}; sent again, ${endOf(again)}.`,
        works === undefined,
      );
    },
  },
  {
    ...common,
    id: "SETL-10",
    title: "A payment that does not settle is answered with 402 and its reason",
    level: "stated",
    severity: "medium",
    profiles: X402_V2,
    basis: httpV2.says(
      "Error Handling",
      "Payment Failed is 402, and the example of a failure has a PAYMENT-RESPONSE with success: false, errorReason and an empty transaction",
    ),
    gains: "The buyer cannot tell a refusal from an outage, and signs again or gives up wrongly.",
    mend: "On success: false answer 402, with the facilitator's answer as base64 JSON in PAYMENT-RESPONSE.",
    async run(context) {
      const { exchange, count } = await perform(context, { settle: refusesToSettle(context) });
      if (count("settle") === 0) return unsettled(exchange);
      const { answer } = exchange;
      const receipt = answer && readReceipt(answer, context);
      const problems: string[] = [];
      if (answer?.status !== 402) problems.push(`the status is ${endOf(exchange)}`);
      if (!receipt) problems.push("there is no PAYMENT-RESPONSE that can be read");
      if (receipt && receipt["success"] !== false) problems.push("success is not false");
      if (receipt && (receipt["transaction"] ?? "") !== "")
        problems.push("it names a transaction that is not");
      return judgeStage(problems, "402, success: false.");
    },
  },
  {
    ...common,
    id: "WORK-12",
    title: "What the facilitator tells the seller alone stays with the seller",
    level: "stated",
    severity: "medium",
    basis: coreV2Flows.says(
      "7.2.1",
      "EXTENSION-RESPONSES is between facilitator and resource server, and is not forwarded to the client",
    ),
    gains: "Buyers read what a facilitator tells its customer: fees, risk scores, account names.",
    mend: "Build the buyer's answer from named fields; forward no headers.",
    cwe: 201,
    async run(context) {
      const secret = `for-the-seller-alone-${context.randomInt(1e9)}`;
      const header = Buffer.from(JSON.stringify({ risk: { info: secret } })).toString("base64");
      const headers = { "extension-responses": header };
      const settle = alters(
        "extension-responses",
        { extensionResponses: { risk: secret } },
        headers,
      );
      const { exchange } = await performSale(context, { settle });
      const { answer } = exchange;
      const receipt = answer && readReceipt(answer, context);
      const text = JSON.stringify([answer?.headers, answer?.body, receipt]);
      const problems: string[] = [];
      if (text.includes(header)) problems.push("EXTENSION-RESPONSES was passed on");
      else if (text.includes(secret)) problems.push("extensionResponses was passed on");
      return judgeStage(problems, "Neither the header nor the field came through.");
    },
  },
  {
    ...common,
    id: "WORK-13",
    title: "One payment is sent to be settled once",
    level: "advice",
    severity: "low",
    basis: coreV2(
      "7.2",
      "Executes a verified payment by broadcasting the transaction to the blockchain.",
    ),
    gains: "A facilitator that is not idempotent pays gas for each, and fees are counted twice.",
    mend: "Settle in one place, and remember that it was done.",
    async run(context) {
      const done = await performSale(context);
      // A call that comes after the answer counts too.
      await setTimeout(50);
      const calls = done.count("settle");
      return judgeStage(calls === 1 ? [] : [`/settle was called ${calls} times`], "Once.");
    },
  },
  {
    ...common,
    id: "WORK-15",
    title: "A seller that says upfront settles before it works",
    level: "must",
    profiles: X402_V2,
    basis: coreV2Flows(
      "6.1",
      "A mechanism selecting a non-default flow MUST signal it to the client on the wire via `extra.paymentFlow` … `upfront` | settle → resource → respond",
    ),
    gains: "Slow work is done for a payment that then does not settle.",
    mend: "Await settle, then run the handler; or do not offer paymentFlow: upfront.",
    async run(context) {
      const done = await performSale(context);
      if (flowOf(done.payment) !== "upfront") return skipped("Its flow is authorization.");
      const order = done.happened().map(({ what }) => what);
      const [work, settle] = [order.indexOf("work"), order.indexOf("settle")];
      const early = work >= 0 && (settle < 0 || work < settle);
      const told = order.includes("verify")
        ? `${order.join(", ")}. That it verified first takes nothing from anybody: the specification does not name it, and does not forbid it.`
        : `${order.join(", ")}.`;
      return judgeStage(early ? ["it worked before it settled"] : [], told, work < 0);
    },
  },
  {
    ...common,
    id: "WORK-16",
    title: "A hook that fails after the settlement does not cost the buyer the goods",
    profiles: ALL,
    level: "policy",
    severity: "medium",
    basis: policy(
      "The money has moved: what the seller does for itself afterwards is its own affair.",
    ),
    gains: "Buyers pay and get an error page while your bookkeeping is down.",
    mend: "Catch what hooks throw after the settlement, log it, and deliver.",
    async run(context) {
      const { harness, honest } = await stageOf(context);
      if (!honest.some(({ what }) => what === "after-settle"))
        return skipped("Its hook does not call WITNESS_URL/after-settle, which this would fail.");
      harness.witness.hookStatus = 500;
      const done = await perform(context).finally(() => (harness.witness.hookStatus = 200));
      if (isGrant(done.exchange)) return judgeStage([], "Delivered.");
      const again = await done.again();
      const delivered = isGrant(again) || !(await done.isPaid());
      return judgeStage(
        delivered ? [] : [`paid, and answered with ${endOf(done.exchange)} and ${endOf(again)}`],
        `${endOf(done.exchange)}, then ${endOf(again)}.`,
      );
    },
  },
];

function refusesToSettle({ payer, profile }: Parameters<typeof perform>[0]) {
  return says("refuses", {
    success: false,
    errorReason: "insufficient_funds",
    transaction: "",
    network: profile === "x402-v1" ? "base-sepolia" : "eip155:84532",
    payer: payer.account.address,
  });
}
