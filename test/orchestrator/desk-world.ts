/** An orchestrator on loopback, a folder of its own, a clock that tests move, and a human who answers as told. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type OrchestratorServer,
  startOrchestrator,
  type StartOrchestratorOptions,
} from "../../orchestrator/index.ts";
import { type HumanAsk, Secret, type Trace, type TraceEvent } from "../../protocol/index.ts";
import type { Wallet } from "../../middleware/index.ts";
import { type Ledger, openLedger } from "../../store/index.ts";
import {
  ISSUER,
  type Manners,
  type ProviderDouble,
  startProviderDouble,
} from "./provider-double.ts";

export const USER = { id: "usr_1", email: "ada@example.com", name: "Ada", emailVerified: true };
const START = Date.UTC(2026, 10, 2);

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** Its paths begin with "/v1", or are within its run's project. */
export interface Agent {
  runId: string;
  token: Secret;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
}

export interface DeskWorld extends AsyncDisposable {
  dir: string;
  server: OrchestratorServer;
  provider: ProviderDouble;
  project: string;
  asks: HumanAsk[];
  trace: TraceEvent[];
  /** What the human answers, by kind; "accept" where nothing is said. */
  answers: Record<string, string>;
  clock: { now: number };
  addProvider(manners: Partial<Manners>): Promise<ProviderDouble>;
  startAgent(run?: {
    project?: string;
    budget?: bigint;
    providers?: string[];
    expiresAt?: number;
  }): Agent;
  agentOf(run: { runId: string; token: Secret }, project?: string): Agent;
  /** Ends the orchestrator and opens it again on the same folder. */
  reopen(): Promise<void>;
}

export interface DeskWorldOptions extends Partial<StartOrchestratorOptions> {
  manners?: Partial<Manners>;
  /** The second of November 2026 by default. */
  clock?: { now: number };
  /** The user's payment method; a new one for each opening, as after a restart. */
  openWallet?: (parts: {
    ledger: Ledger;
    clock: { now: number };
    trace: Trace;
  }) => Wallet | undefined;
}

export async function openDeskWorld(options: DeskWorldOptions = {}): Promise<DeskWorld> {
  const { manners, openWallet, clock = { now: START }, ...overrides } = options;
  const dir = mkdtempSync(join(tmpdir(), "purser-orchestrator-"));
  const asks: HumanAsk[] = [];
  const trace: TraceEvent[] = [];
  const answers: Record<string, string> = {};
  const bytesKey = new Secret(new Uint8Array(32));
  const ledger = openLedger({ path: join(dir, "ledger.db"), bytesKey, now: () => clock.now });
  const tracer: Trace = { append: (event) => trace.push(event) };
  const start = () =>
    startOrchestrator({
      dir,
      issuer: ISSUER,
      user: USER,
      human: {
        ask: (ask) => {
          asks.push(ask);
          return Promise.resolve({ answer: answers[ask.kind] ?? "accept" });
        },
      },
      ledger,
      wallet: openWallet?.({ ledger, clock, trace: tracer }),
      trace: tracer,
      now: () => clock.now,
      ...overrides,
    });
  const clear = () => {
    ledger.close();
    rmSync(dir, { recursive: true, force: true });
  };
  let server = await start().catch((error: unknown) => {
    clear();
    throw error;
  });
  const jwks = async () => {
    const response = await fetch(`${server.url}/.well-known/jwks.json`);
    return (await response.json()) as { keys: [] };
  };
  const doubles: ProviderDouble[] = [];
  const addProvider = async (added: Partial<Manners>) => {
    const double = await startProviderDouble({ jwks, now: () => clock.now, manners: added });
    doubles.push(double);
    server.orchestrator.addProvider(double.url);
    return double;
  };
  const provider = await addProvider(manners ?? {});
  const project = server.orchestrator.createProject({ name: "nimbus" }).id;

  const agentOf: DeskWorld["agentOf"] = ({ runId, token }, of = project) => {
    const call: Agent["call"] = async (method, path, body) => {
      const authorization = `Bearer ${token.reveal()}`;
      const url = `${server.url}${path.startsWith("/v1") ? "" : `/v1/projects/${of}`}${path}`;
      const response = await fetch(url, {
        method,
        headers: { authorization },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    return {
      runId,
      token,
      get: (path) => call("GET", path),
      post: (path, body) => call("POST", path, body),
      call,
    };
  };
  const startAgent: DeskWorld["startAgent"] = (run = {}) =>
    agentOf(
      server.orchestrator.startRun({
        project,
        budget: 25_000_000n,
        expiresAt: clock.now + 3_600_000,
        ...run,
      }),
      run.project,
    );
  return {
    dir,
    get server() {
      return server;
    },
    provider,
    project,
    asks,
    trace,
    answers,
    clock,
    addProvider,
    startAgent,
    agentOf,
    reopen: async () => {
      await server.close();
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      for (const double of doubles) await double[Symbol.asyncDispose]();
      clear();
    },
  };
}

/** The error's code in an answer. */
export function codeOf({ body }: Answer): unknown {
  return (body["error"] as { code?: string } | undefined)?.code;
}
