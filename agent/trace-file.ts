/**
 * The trace of a run on disk: one JSON object a line, only ever appended to. A line is written before `append` returns, so a
 * killed process leaves at most one torn line, at the end; reopening cuts it off, and reading passes over it.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { PurserError, type Trace, type TraceEvent, type TraceLine } from "../protocol/index.ts";
import { AgentError } from "./agent-error.ts";

export interface TraceFile extends Trace, Disposable {
  close(): void;
}

/** Opens a trace for appending, and makes it, readable by its owner alone, where there is none. */
export function openTrace(
  path: string,
  { now = Date.now }: { now?: () => number } = {},
): TraceFile {
  const file = openSync(path, "a+", 0o600);
  cutTornLine(file, path);
  let open = true;
  const close = () => {
    if (open) closeSync(file);
    open = false;
  };
  return {
    append(event) {
      // A late event of a run that is over has nowhere to go, and must not break whoever sends it.
      if (open) writeSync(file, `${encodeLine({ at: now(), ...event })}\n`);
    },
    close,
    [Symbol.dispose]: close,
  };
}

/** Every whole line of a trace, or `TRACE_UNREADABLE`. */
export function readTrace(path: string): TraceLine[] {
  const lines = readText(path).split("\n");
  // What follows the last newline is "" or a line that was being written.
  return lines.slice(0, -1).map((line, index) => {
    try {
      return JSON.parse(line) as TraceLine;
    } catch (cause) {
      throw new AgentError("TRACE_UNREADABLE", {
        problem: `Line ${index + 1} of ${path} is not JSON.`,
        nextStep: "The file was changed by something else: restore it, or start a new run.",
        cause,
      });
    }
  });
}

/** Field names whose values are secret whatever type they have; a second net beneath `Secret`. */
const SECRET_FIELDS =
  /^(authorization|x-payment|payment-signature|payment-authorization|access_token|refresh_token|id_token|api_?key|private_?key|signature|password)$/i;

function encodeLine(line: TraceEvent & { at: number }): string {
  return JSON.stringify(line, (key, value: unknown) => {
    if (SECRET_FIELDS.test(key)) return "[secret]";
    if (typeof value === "bigint") return value.toString();
    if (value instanceof PurserError) return value.toJSON();
    return value;
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AgentError("TRACE_UNREADABLE", {
      problem: `There is no readable trace at ${path}.`,
      nextStep: "Give the folder of a run.",
      cause,
    });
  }
}

function cutTornLine(file: number, path: string): void {
  const { size } = fstatSync(file);
  if (size === 0) return;
  const whole = readFileSync(path).lastIndexOf(0x0a) + 1;
  if (whole < size) ftruncateSync(file, whole);
}
