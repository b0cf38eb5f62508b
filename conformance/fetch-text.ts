/** Fetches one document by the rules of a target: no redirect, private networks only with leave, a deadline, and not without end. */
import { ConformanceError } from "./conformance-error.ts";
import { readTarget, type TargetOptions } from "./target.ts";
import { openWireClient } from "./wire/wire-client.ts";

/** Throws what `readTarget` throws, or `CHECK_FILE_INVALID`. */
export async function fetchText(options: Pick<TargetOptions, "url" | "allowPrivate">) {
  const target = await readTarget(options);
  using client = openWireClient({ ...target, deadlineMs: 10_000 });
  const headers = [["Host", target.authority] as const];
  const { path } = target;
  const result = await client.send({ method: "GET", path, headers, body: undefined });
  if ("answer" in result && result.answer.status === 200 && !result.answer.truncated)
    return result.answer.body;
  const why = "answer" in result ? `is answered with ${result.answer.status}` : result.failure;
  throw new ConformanceError("CHECK_FILE_INVALID", {
    problem: `${options.url} ${why}.`,
    nextStep: "Give the URL of a document of at most 1 MB that is answered with 200, or a file.",
  });
}
