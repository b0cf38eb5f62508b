/**
 * A `.env` file as its owner wrote it, and the few lines in it that are ours. Setting a variable changes that variable's line and
 * no other byte: comments, order, quoting and line ends of everything else stay as they are, and no name is ever changed.
 */

import { ProjectError } from "./project-error.ts";

/** A variable with all its lines (a quoted value may have several), or text that is none. */
interface Piece {
  name?: string;
  text: string;
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/;
const QUOTES = ["'", '"', "`"];

export class DotenvFile {
  #pieces: Piece[];
  readonly #lineEnd: string;

  constructor(text: string) {
    this.#pieces = split(text);
    this.#lineEnd = /\r\n/.test(text) ? "\r\n" : "\n";
  }

  names(): string[] {
    return this.#pieces.flatMap(({ name }) => name ?? []);
  }

  has(name: string): boolean {
    return this.#pieces.some((piece) => piece.name === name);
  }

  /** Where the variable stands more than once, the last line counts, as it does for those who read the file. */
  set(name: string, value: string): void {
    const line = `${name}=${quote(name, value)}${this.#lineEnd}`;
    const last = this.#pieces.findLast((piece) => piece.name === name);
    if (last) {
      last.text = line;
      return;
    }
    const end = this.#pieces.at(-1);
    if (end && !end.text.endsWith("\n")) end.text += this.#lineEnd;
    this.#pieces.push({ name, text: line });
  }

  remove(name: string): void {
    this.#pieces = this.#pieces.filter((piece) => piece.name !== name);
  }

  toString(): string {
    return this.#pieces.map(({ text }) => text).join("");
  }
}

function split(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const [start, name] = ASSIGNMENT.exec(rest) ?? [];
    const end = start === undefined ? lineEnd(rest) : valueEnd(rest, start.length);
    const piece = rest.slice(0, end);
    pieces.push(name === undefined ? { text: piece } : { name, text: piece });
    at += end;
  }
  return pieces;
}

/** After the value and the rest of its last line. A quote that is never closed belongs to its line alone. */
function valueEnd(text: string, valueAt: number): number {
  const mark = text[valueAt];
  if (mark === undefined || !QUOTES.includes(mark)) return lineEnd(text);
  const closing = text.indexOf(mark, valueAt + 1);
  return closing === -1 ? lineEnd(text) : closing + lineEnd(text.slice(closing));
}

function lineEnd(text: string): number {
  const at = text.indexOf("\n");
  return at === -1 ? text.length : at + 1;
}

/**
 * So that a shell and Node's own reader take it for the same text, and a shell runs nothing in it: plain where nothing means
 * anything, in single quotes, or in double quotes where nothing in them would be replaced. Throws `ENV_VALUE_UNWRITABLE`.
 */
function quote(name: string, value: string): string {
  if (/^[\w.:/@%+,=-]*$/.test(value)) return value;
  if (!/['\r]/.test(value)) return `'${value}'`;
  if (!/["$`\\!\r]/.test(value)) return `"${value}"`;
  throw new ProjectError("ENV_VALUE_UNWRITABLE", {
    problem: `The value of ${name} cannot be written in a .env file: no quotes carry it to every reader.`,
    nextStep: "Read it with `purser env --reveal --json`, and hand it to your program another way.",
    details: { variable: name },
  });
}
