/** Words that the book keeps under names, each under its seal. */
import { unreadable } from "./ledger-error.ts";
import { ask, type Script } from "./ledger-script.ts";
import type { Seals } from "./ledger-seals.ts";

interface Book {
  /** For messages. */
  readonly path: string;
  readonly seals: Seals;
}

/** Remembers the highest that a count elsewhere has ever shown, and returns it. */
export function* highest(book: Book, name: string, count: number): Script<number> {
  const key = `highest ${name}`;
  const known = Number((yield* readMark(book, key)) ?? 0);
  if (count <= known) return known;
  yield* writeMark(book, key, String(count));
  return count;
}

function* readMark({ path, seals }: Book, key: string): Script<string | undefined> {
  const [row] = yield* ask<{ value: string }>("SELECT value FROM book WHERE key = ?", key);
  const [word, seal] = row?.value.split(" ") ?? [];
  if (word === undefined) return undefined;
  if (seal !== seals.mark(key, word)) throw unreadable(path, `${key} was changed`);
  return word;
}

function* writeMark({ seals }: Book, key: string, word: string): Script<void> {
  yield* ask(
    "INSERT INTO book (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    `${word} ${seals.mark(key, word)}`,
  );
}
