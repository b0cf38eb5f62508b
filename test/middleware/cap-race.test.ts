/**
 * A cap for ten payments and fifty purchases at once, from several processes that each have some at once (`npm run cap-race` takes 1, 4
 * and 8 on both books, and puts the stock clients beside it).
 */
import { describe, expect, test } from "vitest";
import { raceForCap } from "./race/cap-race.ts";

const postgres = process.env["PURSER_TEST_POSTGRES"] ?? "";

const BOOKS = [
  { name: "SQLite", processes: 8, skip: false, url: undefined },
  {
    name: "PostgreSQL (PURSER_TEST_POSTGRES is its URL)",
    processes: 4,
    skip: postgres === "",
    url: postgres,
  },
];

describe.each(BOOKS)("on $name", ({ processes, skip, url }) => {
  test.skipIf(skip)(
    `exactly ten are charged, from ${processes}`,
    async () => {
      expect(await raceForCap({ client: "purser", processes, postgres: url })).toEqual({
        charged: 10,
        words: { delivered: 10, CAP_EXCEEDED: 40 },
      });
    },
    400_000,
  );
});
