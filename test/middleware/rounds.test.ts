/** When what waits for a round goes on. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Rounds } from "../../middleware/fetch/rounds.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Three who wait, the second after 30 ms and the third after 60; what each says when it goes on is in `over`. */
function openRounds() {
  const rounds = new Rounds();
  const over: string[] = [];
  const ask = (name: string) => void rounds.next().then(() => over.push(name));
  ask("first");
  setTimeout(ask, 30, "second");
  setTimeout(ask, 60, "third");
  return { rounds, over };
}

test("those that ask within 50 ms of the first go on with it, and not before", async () => {
  const { over } = openRounds();
  await vi.advanceTimersByTimeAsync(49);
  expect(over).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toEqual(["first", "second"]);
});

test("one that asks later begins a round of its own", async () => {
  const { over } = openRounds();
  await vi.advanceTimersByTimeAsync(109);
  expect(over).toEqual(["first", "second"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toEqual(["first", "second", "third"]);
});

test("a round that is ended lets its own go on at once, and the next one has its whole time", async () => {
  const { rounds, over } = openRounds();
  await vi.advanceTimersByTimeAsync(10);
  rounds.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(over).toEqual(["first"]);
  await vi.advanceTimersByTimeAsync(69);
  expect(over).toEqual(["first"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toEqual(["first", "second", "third"]);
});

test("ending where no round is open does nothing", () => {
  new Rounds().end();
  expect(vi.getTimerCount()).toBe(0);
});
