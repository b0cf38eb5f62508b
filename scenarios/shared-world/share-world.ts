/** The side that holds the world open: takes runs of other programs of the same user, one at a time. */
import { randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import express, { type Request, type Response } from "express";
import { type Human, PurserError, toErrorBody } from "../../protocol/index.ts";
import { FrontMatter, type Scenario } from "../format/scenario.ts";
import { prepareRun } from "../run/prepare-run.ts";
import { runScenario } from "../run/run-scenario.ts";
import type { World } from "../world/world.ts";
import {
  AnswerCall,
  CONTROL_FILE,
  type ControlFile,
  RunCall,
  type RunMessage,
} from "./protocol.ts";

export type SharedWorldErrorCode =
  /** Another run is under way in it. */
  | "WORLD_BUSY"
  /** The program that held it open ended in the middle of a run. */
  | "WORLD_GONE"
  /** The scenario wants another world than the one that is open. */
  | "WORLD_DIFFERS"
  | "RUN_CANCELLED";

export class SharedWorldError extends PurserError<SharedWorldErrorCode> {}

const HEARTBEAT_MS = 30_000;
/** Longer than any world stays open; each time it opens, it gets another one. */
const SESSION_MS = 365 * 24 * 60 * 60 * 1000;

/** Makes the world usable from other programs until it is disposed. */
export async function shareWorld(world: World): Promise<AsyncDisposable> {
  const token = randomBytes(32).toString("base64url");
  const asks = new Map<string, (answer: string) => void>();
  let busy = false;
  const app = express();
  app.disable("x-powered-by");
  app.use((request, response, next) => {
    if (isToken(request.get("authorization"), token)) next();
    else response.status(401).end();
  });
  app.use(express.json({ limit: "1mb" }));
  app.get("/", (_, response) => void response.json({ open: true }));
  app.post("/answers/:id", (request, response) => {
    const answer = asks.get(request.params.id);
    answer?.(AnswerCall.parse(request.body).answer);
    response.status(answer ? 204 : 404).end();
  });
  app.post("/runs", async (request, response) => {
    const call = RunCall.parse(request.body);
    const send = (message: RunMessage) => void response.write(`${JSON.stringify(message)}\n`);
    response.type("application/x-ndjson");
    // While a person thinks about an answer, something must come, or the connection is taken for dead.
    const heartbeat = setInterval(() => response.write("\n"), HEARTBEAT_MS);
    if (busy) {
      const error = new SharedWorldError("WORLD_BUSY", {
        problem: "The world has another run under way.",
        nextStep: "Wait until it has ended.",
      });
      send({ type: "error", error: error.toJSON() });
    } else {
      busy = true;
      await runCall(world, call, { send, asks, gone: goneSignal(request, response) });
      busy = false;
    }
    clearInterval(heartbeat);
    response.end();
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve).once("error", reject);
  });
  const file = join(world.dir, CONTROL_FILE);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const control: ControlFile = { url, token, orchestrator: startSession(world) };
  writeFileSync(`${file}.new`, JSON.stringify(control), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return {
    async [Symbol.asyncDispose]() {
      rmSync(file, { force: true });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whoever can read the world's folder is its person: there is no page on which to sign in. */
function startSession({ orchestrator, addresses }: World): ControlFile["orchestrator"] {
  const session = orchestrator.startSession({
    agent: "cli",
    expiresAt: Date.now() + SESSION_MS,
  });
  return { url: addresses.orchestratorUrl, token: session.reveal() };
}

interface Conversation {
  send: (message: RunMessage) => void;
  asks: Map<string, (answer: string) => void>;
  /** Aborts when the caller is gone. */
  gone: AbortSignal;
}

async function runCall(world: World, call: RunCall, conversation: Conversation): Promise<void> {
  const { send, gone } = conversation;
  try {
    for (const provider of call.providers) world.orchestrator.addProvider(provider);
    const request = await prepareRun({
      resume: call.record,
      dir: call.record,
      env: call.env,
      human: askCaller(conversation),
    });
    requireOrdinaryWorld(request.scenario);
    const { result } = await runScenario({
      ...request,
      resumed: call.resumed,
      world,
      signal: gone,
      onEvent: (line) => send({ type: "event", line }),
    });
    send({ type: "result", result });
  } catch (error) {
    send({ type: "error", error: toErrorBody(error) });
  }
}

/** The world is open already: a scenario cannot have its own taken names, caps or attacks in it. */
function requireOrdinaryWorld({ name, world }: Scenario): void {
  const { files: _files, ...wanted } = world;
  const { files: _none, ...ordinary } = FrontMatter.parse({}).world;
  if (isDeepStrictEqual(wanted, ordinary)) return;
  throw new SharedWorldError("WORLD_DIFFERS", {
    problem: `The scenario ${name} describes a world of its own, and this one is open already.`,
    nextStep: "Run it without --world.",
  });
}

function askCaller({ send, asks, gone }: Conversation): Human {
  return {
    ask(ask) {
      const id = randomUUID();
      const { promise, resolve, reject } = Promise.withResolvers<{ answer: string }>();
      const leave = () => reject(gone.reason as Error);
      asks.set(id, (answer) => resolve({ answer }));
      gone.addEventListener("abort", leave, { once: true });
      send({ type: "ask", id, ask });
      return promise.finally(() => {
        asks.delete(id);
        gone.removeEventListener("abort", leave);
      });
    },
  };
}

function goneSignal(request: Request, response: Response): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableEnded) controller.abort();
  });
  request.once("error", () => controller.abort());
  return controller.signal;
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
