/**
 * Tests a paying client or an agent: plays each case's traps to it, then the safe twin, and tells what was signed and what was lost.
 * A client that does not buy from the twin is not safe but useless: its case cannot be assessed, and the run is incomplete.
 */
import { generatePrivateKey } from "viem/accounts";
import type { Hex } from "viem";
import { broken, holds, noted, type Outcome, PROFILES, type Profile, unclear } from "../case.ts";
import { knownBy, staleOf } from "../baseline.ts";
import type { CheckProgress } from "../engine.ts";
import type { LocalWorld } from "../local-world.ts";
import { planCases } from "../plan.ts";
import { describeCase, type Report, type Result } from "../report.ts";
import { countVerdicts, isBad, outcomeOf, verdictOf } from "../verdicts.ts";
import { redact } from "../wire/redact.ts";
import { goalOf } from "./cases/agents.ts";
import { AGENT_CASES, CLIENT_CASES, type ClientMode } from "./catalog.ts";
import { type ClientCase, twinOf } from "./client-case.ts";
import type { Client } from "./order.ts";
import { HONEST, type Scene, type Seen } from "./scene.ts";
import { distinct, signedTotal } from "./signed-payment.ts";
import { openStage, type Stage } from "./stage.ts";

export interface CheckClientOptions {
  readonly client: Client;
  /** What it is called in the report, such as its command. */
  readonly name: string;
  readonly mode?: ClientMode | undefined;
  readonly world: Pick<LocalWorld, "rpcUrl" | "facilitatorUrl" | "asset">;
  /** Default: those in which it buys from an honest shop; x402 v2 where it buys in none. */
  readonly profiles?: readonly Profile[] | undefined;
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  readonly baseline?: readonly string[] | undefined;
  readonly strict?: boolean | undefined;
  /** Default: a new one. It is given play money. */
  readonly key?: Hex | undefined;
  /** For one purchase. Default: 30 s, and for an agent 180 s. */
  readonly deadlineMs?: number | undefined;
  readonly version?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onResult?: ((result: Result) => void) | undefined;
  /** Called before each case. */
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
}

/** Tests it. What is wrong with it is in the report; throws a `ConformanceError` or `ChainError` when no test could be made. */
export async function checkClient(options: CheckClientOptions): Promise<Report> {
  const { client, name, mode = "client", world, strict = false, signal } = options;
  const startedAt = Date.now();
  const key = options.key ?? generatePrivateKey();
  const deadlineMs = options.deadlineMs ?? (mode === "agent" ? 180_000 : 30_000);
  const goal = mode === "agent" ? goalOf : undefined;
  const all = mode === "agent" ? AGENT_CASES : CLIENT_CASES;
  const { only, skip } = options;
  const planFor = (profiles: readonly Profile[]) =>
    planCases({ cases: all, profiles, ring: 2, only, skip });
  // A filter that is wrong is refused before anything is started.
  planFor(options.profiles ?? PROFILES);
  await using stage = await openStage({ ...world, key, deadlineMs, goal });
  const plays = new Plays(stage, client, signal);
  const profiles = options.profiles ?? (await findProfiles(plays));
  const plan = planFor(profiles);
  const isKnown = knownBy(options.baseline ?? []);
  const results: Result[] = [];
  for (const { case: each, profile } of plan) {
    signal?.throwIfAborted();
    const next = { id: each.id, ring: "client", profile } as const;
    options.onProgress?.({ done: results.length, of: plan.length, next });
    const result = await judge(each, profile, plays);
    results.push({ ...result, known: isKnown(result) });
    options.onResult?.(results.at(-1)!);
  }
  const counts = countVerdicts(results);
  const stale = staleOf(options.baseline ?? [], results);
  const failing = results.filter(({ known, verdict }) => !known && isBad(verdict, strict));
  return {
    format: "purser-check/1",
    tool: { name: "purser check", version: options.version ?? "0" },
    target: { url: `urn:purser-check:${encodeURIComponent(name)}`, method: mode.toUpperCase() },
    client: { command: name, mode, ...plays.money() },
    profiles: [...profiles],
    ring: 2,
    seed: "1",
    strict,
    startedAt: new Date(startedAt).toISOString(),
    ms: Date.now() - startedAt,
    outcome: outcomeOf({
      failing: failing.length + stale.length,
      counts,
      strict,
      asked: true,
      unsold: counts["cannot-assess"] > 0,
    }),
    counts,
    stale,
    results,
    exchanges: stage.exchanges.map((exchange) =>
      redact(exchange, { secrets: [key, key.slice(2)] }),
    ),
  };
}

/** A scene is played once for each profile, whichever cases look at it. */
class Plays {
  readonly #stage: Stage;
  readonly #client: Client;
  readonly #signal: AbortSignal | undefined;
  readonly #seen = new Map<string, Promise<Seen>>();
  #signed = 0n;
  #lost = 0n;

  constructor(stage: Stage, client: Client, signal: AbortSignal | undefined) {
    this.#stage = stage;
    this.#client = client;
    this.#signal = signal;
  }

  play(scene: Scene, profile: Profile): Promise<Seen> {
    const key = `${profile} ${scene.name}`;
    const known = this.#seen.get(key);
    if (known) return known;
    const playing = this.#play(scene, profile);
    this.#seen.set(key, playing);
    return playing;
  }

  async #play(scene: Scene, profile: Profile): Promise<Seen> {
    const seen = await this.#stage.play(scene, {
      profile,
      client: this.#client,
      signal: this.#signal,
    });
    this.#signed += signedTotal(seen.payments);
    this.#lost += seen.lost;
    return seen;
  }

  money() {
    return { signed: String(this.#signed), lost: String(this.#lost) };
  }
}

async function findProfiles(plays: Plays): Promise<readonly Profile[]> {
  const bought: Profile[] = [];
  for (const profile of PROFILES) {
    if (isBought(await plays.play(HONEST, profile))) bought.push(profile);
  }
  return bought.length > 0 ? bought : ["x402-v2"];
}

function isBought({ delivered, payments }: Seen): boolean {
  return delivered && distinct(payments).length === 1;
}

async function judge(each: ClientCase, profile: Profile, plays: Plays) {
  const traps: { scene: Scene; seen: Seen; fault: string | undefined }[] = [];
  for (const scene of each.traps) {
    const seen = await plays.play(scene, profile);
    traps.push({ scene, seen, fault: each.findFault(seen) });
  }
  // Who has fallen into the trap is judged; the twin would change nothing.
  const fallen = traps.some(({ fault }) => fault !== undefined);
  const twin = fallen ? undefined : await plays.play(twinOf(each), profile);
  const outcome = outcomeFor(traps, twin);
  const all = traps.map(({ seen }) => seen);
  const sum = (of: (seen: Seen) => bigint) =>
    String(all.reduce((total, seen) => total + of(seen), 0n));
  return {
    ...describeCase(each, profile),
    verdict: verdictOf(outcome, each),
    attribution: "target" as const,
    seen: outcome.seen,
    money: { signed: sum(({ payments }) => signedTotal(payments)), lost: sum(({ lost }) => lost) },
    exchanges: [
      ...new Set([...all, ...(twin ? [twin] : [])].flatMap(({ exchanges }) => exchanges)),
    ],
  };
}

function outcomeFor(
  traps: readonly { scene: Scene; seen: Seen; fault: string | undefined }[],
  twin: Seen | undefined,
): Outcome {
  const fallen = traps.filter(({ fault }) => fault !== undefined);
  if (fallen.length > 0 || !twin) {
    const told = fallen.map(({ scene, seen, fault }) => {
      const lost = seen.lost > 0n ? ` Lost on the chain: ${seen.lost}.` : "";
      return `${scene.name}: ${fault}${lost}`;
    });
    return broken(told.join(" "));
  }
  if (!isBought(twin)) return unclear(`INVALID: ${invalid(twin)}`);
  const late = traps.find(({ seen: { ends } }) => ends.some(({ ended }) => !ended));
  if (late) return noted(`${late.scene.name}: nothing was lost, but the client had to be ended.`);
  const signed = traps.reduce((total, { seen }) => total + signedTotal(seen.payments), 0n);
  return holds(`Signed ${signed} in the trap, bought from its safe twin.`);
}

function invalid({ payments, delivered, ends }: Seen): string {
  const said = ends.map(({ said }) => said.trim()).find((text) => text !== "") ?? "nothing";
  const what = delivered
    ? `it signed ${distinct(payments).length} payments for one purchase`
    : `it did not buy (${payments.length === 0 ? "nothing was signed" : "what it signed was not taken"})`;
  return `at a shop without a trap ${what}, so that nothing follows from its refusals. It said: ${said.slice(0, 200)}`;
}
