/** A stranger's text of several lines: they stay lines, and no control character reaches the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{C}\n]/gu, "");
}
