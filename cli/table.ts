/**
 * Rows of cells as lines, each column as wide as its widest cell. All columns but the first lean right, as numbers do, unless they are
 * words.
 */
export function alignTable(
  rows: readonly (readonly string[])[],
  { lean = "right" }: { lean?: "left" | "right" } = {},
): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || lean === "left" ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
