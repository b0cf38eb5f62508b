/** Runs the planned cases against an endpoint, one after the other, and judges what each saw. */
import { createPublicClient, http } from "viem";
import {
  type Case,
  type Outcome,
  type Profile,
  type Ring,
  Unassessable,
  unclear,
  type Verdict,
} from "./case.ts";
import { knownBy, staleOf } from "./baseline.ts";
import { CASES } from "./cases/catalog.ts";
import { type Context, contextFor, type Expectations, type Run } from "./context.ts";
import { detectProfiles } from "./detect.ts";
import { ConformanceError } from "./conformance-error.ts";
import { type PayerSide, throwAwayPayer } from "./pay/payer-side.ts";
import type { Harness } from "./harness/harness.ts";
import type { Happening } from "./harness/timeline.ts";
import { unpaidWorkOf } from "./harness/unpaid-work.ts";
import { planCases, type PlannedCase } from "./plan.ts";
import { randomFrom } from "./random.ts";
import { openRecorder } from "./recorder.ts";
import { describeCase, type Report, type Result } from "./report.ts";
import { readTarget, type Target, type TargetOptions } from "./target.ts";
import { countVerdicts, isBad, isUnsold, outcomeOf, verdictOf } from "./verdicts.ts";
import { redact } from "./wire/redact.ts";

export interface CheckOptions extends TargetOptions {
  /** Default: those that the first unpaid answer shows; x402 v2 where it shows none. */
  readonly profiles?: readonly Profile[] | undefined;
  readonly ring?: Ring | undefined;
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  readonly expect?: Expectations | undefined;
  /** Another address of the same server: a second instance, or the origin behind a CDN. */
  readonly alsoUrl?: string | undefined;
  /** An RPC server of the chain that the endpoint is paid on, to look at its tokens. Default: the payer's. */
  readonly rpcUrl?: string | undefined;
  /** Ids, or ids with a profile (`CHAL-07@x402-v1`), that are known to fail; with a `?` behind it, in some runs (`RPLY-02?`). */
  readonly baseline?: readonly string[] | undefined;
  /** Warnings and what could not be assessed count too. */
  readonly strict?: boolean | undefined;
  readonly load?: boolean | undefined;
  /** Who pays, from ring 2 on. Default: a throw-away key that holds nothing. */
  readonly payer?: PayerSide | undefined;
  /** Needed from ring 3 on; its payer pays. */
  readonly harness?: Harness | undefined;
  /** How long the flood of LOAD-01 lasts; a shorter one shortens TIME-02 too. Default: 30 s. */
  readonly floodMs?: number | undefined;
  /** Default: "1". */
  readonly seed?: string | undefined;
  /** Requests a second to anything but this machine. */
  readonly rate?: number | undefined;
  readonly deadlineMs?: number | undefined;
  readonly version?: string | undefined;
  readonly now?: (() => number) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly cases?: readonly Case[] | undefined;
  readonly onResult?: ((result: Result) => void) | undefined;
  /** Called before each case. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
}

/** How far a test is. */
export interface CheckProgress {
  /** Cases, each once for each profile. */
  readonly done: number;
  readonly of: number;
  /** A client's traps are in no ring. */
  readonly next: { readonly id: string; readonly ring: Ring | "client"; readonly profile: Profile };
}

/** Tests an endpoint. What is wrong with it is in the report; throws a `ConformanceError` when no test could be made. */
export async function check(options: CheckOptions): Promise<Report> {
  const { ring = 0, strict = false, seed = "1", now = Date.now, expect = {} } = options;
  const { harness } = options;
  if (ring >= 3 && !harness) {
    throw new ConformanceError("CHECK_PLAN_INVALID", {
      problem: "Ring 3 needs the endpoint's facilitator and its work in the tester's hands.",
      nextStep: "Give a harness, of `openHarness`, and point the server at it.",
    });
  }
  const payer = options.payer ?? harness?.payer ?? throwAwayPayer();
  if (ring >= 2 && !payer.money) {
    throw new ConformanceError("CHECK_PLAN_INVALID", {
      problem: `Ring ${ring} pays, and there is nobody who holds money.`,
      nextStep: "Give a payer: one of a local world, or a funded key with its RPC server.",
    });
  }
  const target = await readTarget(options);
  const { alsoUrl } = options;
  const also = alsoUrl === undefined ? undefined : await readTarget({ ...options, url: alsoUrl });
  const startedAt = now();
  using recorder = openRecorder({
    target,
    also,
    now,
    deadlineMs: options.deadlineMs ?? 10_000,
    rate: options.rate ?? 10,
    signal: options.signal,
  });
  const unpaid = await recorder.unpaid();
  if (!unpaid.answer) throw unreachable(target, unpaid.failure);
  const detected = detectProfiles(unpaid.answer);
  const found = detected.length > 0 ? detected : (["x402-v2"] as const);
  const profiles = options.profiles ?? found;
  const plan = planCases({ cases: CASES, ...definedOf(options), profiles, ring });
  const run: Run = {
    ...recorder,
    target,
    expect,
    now,
    randomInt: randomFrom(seed),
    payer,
    reader: readerOf(options, payer),
    also,
    signed: [],
    fromBlock: (await payer.money?.chain.client.getBlockNumber()) ?? 0n,
    harness,
    floodMs: options.floodMs ?? 30_000,
    memo: new Map(),
  };
  const { status } = unpaid.answer;
  const asks = status === 402;
  const isKnown = knownBy(options.baseline ?? []);
  const results: Result[] = [];
  const acts = plan.map((planned) => openAct(run, asks ? planned : ungraded(planned, status)));
  let begun: Ring = 0;
  for (const act of acts) {
    options.signal?.throwIfAborted();
    const { id, ring: next } = act.case;
    const { profile } = act;
    options.onProgress?.({
      done: results.length,
      of: acts.length,
      next: { id, ring: next, profile },
    });
    const isDue = ({ case: { ring: own, beginsIn: at = own } }: Act) => begun < at && at <= next;
    if (asks && next > begun) await beginAll(acts.filter(isDue));
    begun = next;
    const result = await runCase(act, isKnown);
    results.push(result);
    options.onResult?.(result);
  }
  const counts = countVerdicts(results);
  const stale = staleOf(options.baseline ?? [], results);
  const failing = results.filter(({ known, verdict }) => !known && isBad(verdict, strict));
  const secrets = target.headers.map(([, value]) => value);
  return {
    format: "purser-check/1",
    tool: { name: "purser check", version: options.version ?? "0" },
    target: { url: target.url, method: target.method },
    profiles: [...profiles],
    ring,
    seed,
    strict,
    startedAt: new Date(startedAt).toISOString(),
    ms: now() - startedAt,
    outcome: outcomeOf({
      failing: failing.length + stale.length,
      counts,
      strict,
      asked: asks,
      unsold: results.some(isUnsold),
    }),
    counts,
    stale,
    results,
    exchanges: recorder.exchanges.map((exchange) => redact(exchange, { secrets })),
  };
}

function readerOf({ rpcUrl }: CheckOptions, { money }: PayerSide) {
  if (rpcUrl === undefined) return money?.chain.client;
  return createPublicClient({ transport: http(rpcUrl, { timeout: 10_000, retryCount: 1 }) });
}

function definedOf({ cases, only, skip, load }: CheckOptions) {
  return { only, skip, load, ...(cases ? { cases } : {}) };
}

/** Without a 402 there is nothing to look at but that. */
function ungraded({ case: each, profile }: PlannedCase, status: number): PlannedCase {
  if (each.id === "CHAL-01") return { case: each, profile };
  const run = () => unclear(`The request was answered with ${status}, not with 402.`);
  return { case: { ...each, run }, profile };
}

/** A planned case with what it works with. */
interface Act extends PlannedCase {
  readonly context: Context;
  /** Why it could not begin. */
  failure?: unknown;
}

function openAct(run: Run, planned: PlannedCase): Act {
  return { ...planned, context: contextFor(run, planned.case, planned.profile) };
}

/** What a case cannot begin, it meets again when it runs. */
async function beginAll(acts: readonly Act[]): Promise<void> {
  for (const act of acts) {
    await act.case.begin?.(act.context).catch((error: unknown) => (act.failure = error));
  }
}

async function runCase(
  { case: each, profile, context, failure }: Act,
  isKnown: ReturnType<typeof knownBy>,
) {
  const from = context.harness?.timeline.happenings.length ?? 0;
  let outcome: Outcome;
  let harness = false;
  try {
    if (failure !== undefined) throw failure;
    outcome = await each.run(context);
  } catch (error) {
    harness = !(error instanceof Unassessable);
    outcome =
      error instanceof Unassessable
        ? error.outcome
        : unclear(`The tester failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  const behind = context.harness?.timeline.happenings.slice(from) ?? [];
  if (each.ring < 2) unpaidWorkOf(context, { id: each.id, behind });
  const verdict: Verdict = harness ? "harness-error" : verdictOf(outcome, each);
  return {
    ...describeCase(each, profile),
    verdict,
    attribution: harness ? "harness" : (outcome.by ?? "target"),
    seen: outcome.seen,
    known: isKnown({ id: each.id, profile, verdict }),
    exchanges: [...context.evidence],
    ...(behind.length === 0 ? {} : { behind: behind.map(tellHappening) }),
  } satisfies Result;
}

function tellHappening({ what, fault }: Happening): string {
  return fault === undefined ? what : `${what} (${fault})`;
}

function unreachable({ url }: Target, failure = "no answer"): ConformanceError {
  return new ConformanceError("CHECK_TARGET_UNREACHABLE", {
    problem: `${url} gave no answer (${failure}).`,
    nextStep: "Check that the server is up, and that the URL and its scheme are right.",
  });
}
