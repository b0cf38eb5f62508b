/**
 * The terminal: where text goes and how it looks there. Progress and questions go to stderr, results to stdout, so that stdout
 * can be piped. Whatever a stranger wrote passes `plain`, so that no control character of theirs reaches the terminal.
 */
export interface Terminal {
  /** Writes a line of the result. */
  out: (line?: string) => void;
  /** Writes a line of progress. */
  note: (line?: string) => void;
  paint: Paint;
  /** A person is looking, and can be asked. */
  interactive: boolean;
  /** Columns of the screen; undefined where stdout is none. */
  width?: number | undefined;
}

export interface Paint {
  bold: (text: string) => string;
  dim: (text: string) => string;
  good: (text: string) => string;
  bad: (text: string) => string;
  warn: (text: string) => string;
}

export interface TerminalOptions {
  stdout: Pick<NodeJS.WriteStream, "write" | "isTTY"> & { columns?: number };
  stderr: Pick<NodeJS.WriteStream, "write" | "isTTY">;
  stdin: Pick<NodeJS.ReadStream, "isTTY">;
  env: Readonly<Record<string, string | undefined>>;
}

export function createTerminal({ stdout, stderr, stdin, env }: TerminalOptions): Terminal {
  const noColor = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return {
    out: (line = "") => void stdout.write(`${line}\n`),
    note: (line = "") => void stderr.write(`${line}\n`),
    paint: stdout.isTTY && stderr.isTTY && !noColor ? COLOURS : PLAIN,
    interactive: stdin.isTTY && stderr.isTTY,
    width: stdout.columns,
  };
}

const style = (open: number, close: number) => (text: string) =>
  `\u001B[${open}m${text}\u001B[${close}m`;
const COLOURS: Paint = {
  bold: style(1, 22),
  dim: style(2, 22),
  good: style(32, 39),
  bad: style(31, 39),
  warn: style(33, 39),
};
const same = (text: string) => text;
export const PLAIN: Paint = { bold: same, dim: same, good: same, bad: same, warn: same };

/** A stranger's text in one line, without control characters or marks that turn the direction of writing. */
export function plain(text: string, max = 400): string {
  const clean = text
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu, "")
    .trim();
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}
