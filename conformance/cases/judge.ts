/** The commonest checks: a list of problems is either empty or says what is broken. */
import { broken, holds, type Outcome, type Profile } from "../case.ts";

export const X402: readonly Profile[] = ["x402-v2", "x402-v1"];
export const X402_V2: readonly Profile[] = ["x402-v2"];
export const MPP: readonly Profile[] = ["mpp"];
export const ALL: readonly Profile[] = [...X402, ...MPP];

/** Broken where there is a problem; the first three are told. */
export function judge(problems: readonly string[], good: string): Outcome {
  if (problems.length === 0) return holds(good);
  const more = problems.length > 3 ? ` (and ${problems.length - 3} more)` : "";
  return broken(`${problems.slice(0, 3).join("; ")}${more}.`);
}

/** The problems of each entry, named by its place. */
export function inEach<T>(
  list: readonly T[],
  name: string,
  problemOf: (item: T) => string | undefined,
): string[] {
  return list.flatMap((item, index) => {
    const problem = problemOf(item);
    return problem === undefined ? [] : [`${name}[${index}] ${problem}`];
  });
}
