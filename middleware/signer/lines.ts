/** The lines of a stream, as they come: `node:readline` without what a terminal needs, which takes longer than a signature may. */
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Calls back with each whole line; what has no end yet waits for it. */
export function onLines(stream: Readable, take: (line: string) => void): void {
  stream.setEncoding("utf8").on("data", lineSplitter(take));
}

/** The same of this process's standard input, a pipe, without a stream's queue, whose turn would come before the answer's; calls `end` when it closes. */
export function onInputLines(take: (line: string) => void, end: () => void): void {
  const buffer = Buffer.alloc(64 * 1024);
  const decoder = new StringDecoder("utf8");
  const split = lineSplitter(take);
  const callback = (length: number) => {
    split(decoder.write(buffer.subarray(0, length)));
    return true;
  };
  new Socket({ fd: 0, writable: false, onread: { buffer, callback } }).once("end", end);
}

function lineSplitter(take: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  };
}
