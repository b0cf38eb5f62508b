/** The lines of a stream, as they come: `node:readline` without what a terminal needs, which takes longer than a signature may. */
import type { Readable } from "node:stream";

/** Calls back with each whole line; what has no end yet waits for it. */
export function onLines(stream: Readable, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}
