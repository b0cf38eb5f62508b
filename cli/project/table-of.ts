/** A table of words with its headings, for a person: on a screen the last column gives way, so that a row is a line. */
import { alignTable } from "../table.ts";
import { plain, type Terminal } from "../terminal.ts";

const NARROWEST = 12;

/** The headings stand over the rows; `nothing` is said where there is none. */
export function tableOf(
  { paint, width }: Pick<Terminal, "paint" | "width">,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  nothing: string,
): string[] {
  if (rows.length === 0) return [paint.dim(nothing)];
  const cells = rows.map((row) => row.map((cell) => plain(cell)));
  const [first = "", ...rest] = alignTable([headings, ...cells], { lean: "left" });
  const before = first.lastIndexOf(headings.at(-1) ?? "");
  const limit = width === undefined ? undefined : Math.max(width, before + NARROWEST);
  return [paint.dim(first), ...rest.map((line) => cut(line, limit))];
}

function cut(line: string, limit: number | undefined): string {
  return limit === undefined || line.length <= limit ? line : `${line.slice(0, limit - 1)}…`;
}
