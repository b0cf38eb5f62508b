/** A table of words with its headings, for a person. */
import { alignTable } from "../table.ts";
import { plain, type Terminal } from "../terminal.ts";

const WIDEST_CELL = 60;

/** The headings stand over the rows; `nothing` is said where there is none. */
export function tableOf(
  { paint }: Pick<Terminal, "paint">,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  nothing: string,
): string[] {
  if (rows.length === 0) return [paint.dim(nothing)];
  const cells = rows.map((row) => row.map((cell) => plain(cell, WIDEST_CELL)));
  const [first = "", ...rest] = alignTable([headings, ...cells], { lean: "left" });
  return [paint.dim(first), ...rest];
}
