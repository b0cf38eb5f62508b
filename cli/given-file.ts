/** A file that the user named: one that is not there is told as that, and never as one that says something wrong. */
import { readFileSync } from "node:fs";
import { ConformanceError } from "../conformance/index.ts";

/** Its text, or `CHECK_FILE_INVALID`; `nextStep` says how to get one. */
export function readGivenFile(path: string, nextStep: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new ConformanceError("CHECK_FILE_INVALID", {
      problem: isAbsent ? `There is no file ${path}.` : `${path} cannot be read.`,
      nextStep,
      cause,
    });
  }
}
