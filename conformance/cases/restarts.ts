/** What only shows when the server under test dies: whether it remembers what was paid. The tester must have started it (`--serve`). */
import { setTimeout } from "node:timers/promises";
import { type Case, type Outcome, Unassessable, unseen } from "../case.ts";
import { policy } from "../basis.ts";
import type { Context } from "../context.ts";
import { after, cached, OUTAGES, says } from "../harness/faults.ts";
import type { ServerControl } from "../harness/harness.ts";
import { isGrant } from "../pay/judge-refusal.ts";
import { sendUnsigned } from "../pay/unsigned.ts";
import { performSale, prepare, sell, stageOf } from "../pay/stage.ts";
import { echoes } from "./facilitator-faults.ts";
import { endOf, judgeStage, unsettled, resolve } from "./judge-stage.ts";
import { ALL, X402_V2 } from "./judge.ts";

const common = { ring: 3, level: "policy", severity: "critical", cwe: 294 } as const;

export const RESTART_CASES: readonly Case[] = [
  {
    ...common,
    id: "RPLY-06",
    title: "A payment that was used buys nothing more after a restart",
    profiles: ALL,
    payments: 1,
    basis: policy(
      "The reference packages keep what was used in memory by default (x402 #2294): a deploy makes every payment of the last minutes good again, where the facilitator is idempotent.",
    ),
    gains: "Whoever pays just before a deploy has the work done again after it.",
    mend: "Keep (asset, from, nonce) and the answer in a database, and look there before the work.",
    async run(context) {
      const server = controlOf(context);
      // What many facilitators are: content with a nonce that the same payment has used, and idempotent.
      const done = await performSale(context, {
        verify: says("always-valid", { isValid: true, payer: context.payer.account.address }),
        settle: cached(),
      });
      await restart(server);
      await sell(context);
      const again = await done.again();
      const works = done.works();
      const problems: string[] = [];
      // Once for the sale that came after the restart.
      if ((works ?? 0) > 2) problems.push("the work was done again for the same payment");
      if (isGrant(again) && again.answer?.body !== done.exchange.answer?.body)
        problems.push("the same payment got another delivery");
      return judgeStage(problems, `${endOf(again)} after the restart.`, works === undefined);
    },
  },
  {
    ...common,
    id: "IDEM-09",
    title: "A server that is killed between settlement and answer gives the goods afterwards",
    profiles: ALL,
    payments: 1,
    basis: policy(
      "Processes die. The money has moved, and the buyer comes back with the same payment.",
    ),
    gains: "The buyer has paid and gets a 402: a client that signs again is charged twice.",
    mend: "Write down that a payment is being settled before settle is called, and look there, or ask settle again, when it comes again.",
    async run(context) {
      const server = controlOf(context);
      await sell(context);
      const settle = [after("server-killed", () => server.kill())];
      const prepared = await prepare(context, { settle });
      const exchange = await prepared.send();
      if (prepared.count("settle") === 0) return unsettled(exchange);
      const isUp = await server.start();
      if (!isUp) return unseen("The server did not start again.");
      const { problems, told } = await resolve(prepared.with(exchange));
      // The first answer was lost with the process.
      const real = problems.filter((text) => !text.startsWith("no answer"));
      return judgeStage(real, `${told}.`);
    },
  },
  {
    ...common,
    id: "WORK-09",
    title: "A facilitator that is down when the server starts opens no door",
    profiles: X402_V2,
    severity: "critical",
    basis: policy(
      "x402 #1692: a middleware that could not read /supported let requests through. Closed means: no 2xx, an answer in time, and none of the facilitator's own words.",
    ),
    gains: "Restart the server while its facilitator is away, and everything is free.",
    mend: "Without a usable /supported answer 503 on paid routes, ask again later, and write what the facilitator said to the log only.",
    cwe: 636,
    run: whileDown,
  },
];

/** How long a server may wait for a facilitator that says nothing, beside its own start, before it is taken for closed: some give up after ten. */
const SILENCE_MS = 12_000;

async function whileDown(context: Context): Promise<Outcome> {
  const server = controlOf(context);
  const { harness } = await stageOf(context);
  const { reset, redirect, missing, garbage, nothing, hang } = OUTAGES;
  const problems: string[] = [];
  const told: string[] = [];
  let slowest = 0;
  try {
    for (const fault of [reset, redirect, missing, garbage, nothing, hang]) {
      await server.kill();
      // Whether it waits for ever for a verify is WORK-06, and takes long.
      const call = fault === hang ? reset : fault;
      harness.link.everywhere = { supported: fault, verify: call, settle: call };
      const began = performance.now();
      if (!(await server.start(fault === hang ? slowest + SILENCE_MS : undefined))) {
        told.push(`${fault.name}: it does not start`);
        continue;
      }
      slowest = Math.max(slowest, performance.now() - began);
      const unpaid = await context.ask({}, { alone: true, deadlineMs: harness.patienceMs });
      const forged = await sendUnsigned(context)
        .then(({ answer }) => ({ ...unpaid, answer }))
        .catch(() => undefined);
      for (const [what, exchange] of Object.entries({ unpaid, forged })) {
        if (!exchange) continue;
        if (isGrant(exchange)) problems.push(`${fault.name}: ${what} was granted`);
        if (!exchange.answer) problems.push(`${fault.name}: no answer to ${what}`);
        if (echoes(exchange)) problems.push(`${fault.name}: the facilitator's own words come out`);
      }
      told.push(`${fault.name}: ${endOf(unpaid)}`);
    }
  } finally {
    harness.link.everywhere = {};
    await restart(server);
  }
  return judgeStage([...new Set(problems)], `${told.join(", ")}.`);
}

function controlOf({ harness }: Context): ServerControl {
  if (harness?.server) return harness.server;
  throw new Unassessable(
    unseen(
      'It must be killed for this: let the tester start the server, with --serve "<command>".',
    ),
  );
}

async function restart(server: ServerControl): Promise<void> {
  await server.kill();
  for (let turn = 0; turn < 3; turn++) {
    if (await server.start()) return;
    await setTimeout(200);
  }
  throw new Unassessable(unseen("The server did not start again."));
}
