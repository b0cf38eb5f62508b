/** Header lines as they are typed, such as `-H "Accept: text/plain"`. */
import { UsageError } from "./exit.ts";
import { plain } from "./terminal.ts";

/** Names and values, or `USAGE`. */
export function readHeaders(lines: readonly string[]): [name: string, value: string][] {
  return lines.map((line) => {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) return [name, value];
    throw new UsageError("USAGE", {
      problem: `"${plain(line, 80)}" is not a header.`,
      nextStep: 'Write it such as -H "Accept: application/json".',
    });
  });
}
