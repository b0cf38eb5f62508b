/**
 * A command of the ledger, written once for every database: a generator that yields what it asks and is given the rows. SQLite
 * answers at once, inside a synchronous transaction; PostgreSQL answers later. Integers are bigints both ways.
 */
export type SqlValue = string | number | bigint | Uint8Array | null;

export interface Question {
  /** With `?` for each value. */
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export type Script<T> = Generator<Question, T, readonly object[]>;

/** Asks, and resolves to rows of the shape that the caller says its table has. */
export function* ask<Row extends object>(sql: string, ...values: SqlValue[]): Script<Row[]> {
  return (yield { sql, values }) as Row[];
}

export function runNow<T>(script: Script<T>, answer: (question: Question) => object[]): T {
  let step = script.next();
  while (step.done !== true) step = script.next(answer(step.value));
  return step.value;
}

export async function runLater<T>(
  script: Script<T>,
  answer: (question: Question) => Promise<object[]>,
): Promise<T> {
  let step = script.next();
  while (step.done !== true) step = script.next(await answer(step.value));
  return step.value;
}
