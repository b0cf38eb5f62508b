/** The side of the caller: finds a world that another program holds open, and has a prepared run run there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PurserError, type TraceLine } from "../../protocol/index.ts";
import type { RunRequest } from "../run/prepare-run.ts";
import type { RunResult } from "../run/run-result.ts";
import {
  CONTROL_FILE,
  ControlFile,
  MODEL_ENVIRONMENT,
  type RunCall,
  type RunMessage,
} from "./protocol.ts";
import { SharedWorldError } from "./share-world.ts";

export interface SharedWorld {
  /** Runs it there; throws what the world's program would have thrown. */
  run(request: RunRequest, options: SharedRunOptions): Promise<RunResult>;
}

export interface SharedRunOptions {
  env: Readonly<Record<string, string | undefined>>;
  onEvent: (line: TraceLine) => void;
  signal: AbortSignal;
}

/** The world of that folder, if a program holds it open for others; undefined otherwise. */
export async function findSharedWorld(dir: string): Promise<SharedWorld | undefined> {
  const control = readControl(dir);
  if (!control) return undefined;
  const headers = { authorization: `Bearer ${control.token}`, "content-type": "application/json" };
  const answers = await fetch(control.url, { headers, signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.ok,
    () => false,
  );
  if (!answers) return undefined;
  const post = (path: string, body: unknown, signal: AbortSignal) =>
    fetch(control.url + path, { method: "POST", headers, body: JSON.stringify(body), signal });
  return {
    async run(request, options) {
      try {
        return await runThere(request, options);
      } catch (error) {
        if (!options.signal.aborted) throw error;
        throw new SharedWorldError("RUN_CANCELLED", {
          problem: "The run was cancelled.",
          nextStep: `Go on with --resume ${request.record.dir}; nothing is bought twice.`,
        });
      }
    },
  };

  async function runThere(
    request: RunRequest,
    { env, onEvent, signal }: SharedRunOptions,
  ): Promise<RunResult> {
    const { record, resumed, providers, human } = request;
    const call: RunCall = {
      record: record.dir,
      resumed,
      providers: [...providers],
      env: pick(env),
    };
    const response = await post("/runs", call, signal);
    for await (const message of readMessages(response)) {
      if (message.type === "result") return message.result;
      if (message.type === "error") throw new PurserError(message.error.code, message.error);
      if (message.type === "event") onEvent(message.line);
      if (message.type === "ask") {
        const answer = await human.ask(message.ask);
        await post(`/answers/${message.id}`, answer, signal);
      }
    }
    throw new SharedWorldError("WORLD_GONE", {
      problem: "The program that held the world open has ended.",
      nextStep: `Go on with --resume ${record.dir}.`,
    });
  }
}

function readControl(dir: string): ControlFile | undefined {
  try {
    return ControlFile.parse(JSON.parse(readFileSync(join(dir, CONTROL_FILE), "utf8")));
  } catch {
    return undefined;
  }
}

function pick(env: SharedRunOptions["env"]): Record<string, string> {
  return Object.fromEntries(
    MODEL_ENVIRONMENT.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

async function* readMessages({ body }: Response): AsyncGenerator<RunMessage> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield JSON.parse(line) as RunMessage;
  }
}
