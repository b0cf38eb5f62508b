import * as fc from "fast-check";
import { expect, test } from "vitest";
import { drawIds, idAt, IDS, readOpaque } from "../../middleware/paywall/challenge-id.ts";

const KEY = "k".repeat(43);
const ids = (all: string) => Array.from({ length: IDS }, (_, at) => idAt(all, at));

test("whatever two challenges say, they share an id only where they say the same", () => {
  // Of the characters with which one text could pass for two.
  const word = fc.string({ unit: fc.constantFrom("a", "|", ",", '"', "\\", "é"), maxLength: 4 });
  const bound = fc.record({
    realm: word,
    request: word,
    expires: word,
    header: word,
    series: word,
    identity: word,
  });
  fc.assert(
    fc.property(bound, bound, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      const both = new Set([...ids(drawIds(KEY, one)), ...ids(drawIds(KEY, other))]);
      expect(both.size).toBe(same ? IDS : 2 * IDS);
      for (const id of both) expect(id).toMatch(/^[A-Za-z0-9_-]{44}$/);
    }),
  );
});

test("under another key no id is the same", () => {
  const bound = { realm: "a", request: "b", expires: "c", header: "", series: "d", identity: "e" };
  const others = new Set(ids(drawIds("j".repeat(43), bound)));
  expect(ids(drawIds(KEY, bound)).filter((id) => others.has(id))).toEqual([]);
});

test("the ids are SHAKE256 of the key and the challenge as JSON", () => {
  // Out of Python's hashlib.
  const bound = { realm: "a", request: "b", expires: "c", header: "", series: "d", identity: "e" };
  expect(idAt(drawIds(KEY, bound), 15)).toBe("UMfBPNp0fcks2IPZn6FD1H9HkPqppcZo4E-tOqIs5nMS");
});

test.each<[string, ReturnType<typeof readOpaque>]>([
  ["9f-1-0", { series: "9f-1", at: 0 }],
  ["9f-1-15", { series: "9f-1", at: 15 }],
  ["9f-1-16", undefined],
  ["9f-1-07", undefined],
  ["9f-1--1", { series: "9f-1-", at: 1 }],
  ["9f-1-1e0", undefined],
  ["-1", undefined],
  ["9", undefined],
  ["", undefined],
])("of the opaque %j, the series and the number are %j", (opaque, place) => {
  expect(readOpaque(opaque)).toEqual(place);
});
