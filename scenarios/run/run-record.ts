/**
 * The record of a run: a folder with what was asked (`run.json`), what happened (`trace.jsonl`), what came of it
 * (`result.json`, `report.html`) and, under `world/`, everything that its world remembers. Deleting the folder deletes it all.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PurserError, type TraceLine } from "../../protocol/index.ts";
import { makeFolder } from "../make-folder.ts";
import { renderReport } from "../report/report.ts";
import type { RunResult } from "./run-result.ts";

export type RecordErrorCode =
  | "RECORD_EXISTS"
  | "RECORD_UNWRITABLE"
  /** The folder holds no run that could go on. */
  | "RESUME_UNKNOWN"
  /** The folder holds another run than the one that was asked for. */
  | "RESUME_DIFFERS";

export class RecordError extends PurserError<RecordErrorCode> {}

/** What was asked: enough to go on after a crash. */
const RunOrder = z.object({
  version: z.literal(1),
  scenario: z.object({
    /** Null for a sentence. */
    path: z.string().nullable(),
    source: z.string(),
    folder: z.string(),
  }),
  goal: z.string(),
  model: z.string(),
  budget: z.string(),
  /** Where the run's world is, when it is not in this folder. */
  world: z.string().optional(),
  /** Milliseconds since the epoch. */
  startedAt: z.number(),
  /** The orchestrator's ids, once there are any. */
  ids: z.object({ project: z.string(), run: z.string() }).optional(),
});
export type RunOrder = z.output<typeof RunOrder>;

export interface RunRecord {
  readonly dir: string;
  readonly worldDir: string;
  readonly tracePath: string;
  readonly order: RunOrder;
  /** Keeps the orchestrator's ids, before the agent begins, so that a resumed run goes on under the same budget. */
  remember(ids: { project: string; run: string }): void;
  finish(result: RunResult, lines: readonly TraceLine[]): void;
}

/** Makes the folder of a new run; throws `RECORD_EXISTS` when it holds one already, `RECORD_UNWRITABLE` when it cannot. */
export function createRecord(dir: string, about: Omit<RunOrder, "version" | "ids">): RunRecord {
  const order: RunOrder = { version: 1, ...about };
  try {
    makeFolder(dir);
    writeFileSync(join(dir, ORDER), encode(order), { flag: "wx" });
  } catch (cause) {
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      throw new RecordError("RECORD_EXISTS", {
        problem: `${dir} holds the record of another run already, or is no folder.`,
        nextStep: "Give another folder with --out, or go on with that run with --resume.",
        cause,
      });
    }
    throw unwritable(dir, cause);
  }
  return openFolder(dir, order);
}

/** What it means that a folder for records cannot be made or written. */
export function unwritable(dir: string, cause: unknown): RecordError {
  const { code = "unknown" } = cause as NodeJS.ErrnoException;
  return new RecordError("RECORD_UNWRITABLE", {
    problem: `The folder ${dir} cannot be written (${code}).`,
    nextStep: "Give a folder that you may write to with --out.",
    cause,
  });
}

/** Opens a run that was interrupted, or throws `RESUME_UNKNOWN`. */
export function resumeRecord(dir: string): RunRecord {
  try {
    return openFolder(dir, RunOrder.parse(JSON.parse(readFileSync(join(dir, ORDER), "utf8"))));
  } catch (cause) {
    throw new RecordError("RESUME_UNKNOWN", {
      problem: `${dir} holds no run that could go on.`,
      nextStep: "Give the folder of an earlier run: the one with run.json in it.",
      cause,
    });
  }
}

const ORDER = "run.json";

function openFolder(dir: string, first: RunOrder): RunRecord {
  let order = first;
  const write = (name: string, text: string) => {
    writeFileSync(join(dir, `${name}.new`), text);
    renameSync(join(dir, `${name}.new`), join(dir, name));
  };
  return {
    dir,
    worldDir: first.world ?? join(dir, "world"),
    tracePath: join(dir, "trace.jsonl"),
    get order() {
      return order;
    },
    remember(ids) {
      order = { ...order, ids };
      write(ORDER, encode(order));
    },
    finish(result, lines) {
      write("result.json", encode(result));
      write("report.html", renderReport({ result, goal: order.goal, lines }));
    },
  };
}

function encode(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
