/** A cap for ten payments and fifty purchases at once, from several processes (`npm run cap-race` puts the stock clients beside it). */
import { describe, expect, test } from "vitest";
import { raceForCap } from "./race/cap-race.ts";

const postgres = process.env["PURSER_TEST_POSTGRES"] ?? "";

const BOOKS = [
  { name: "SQLite", skip: false, url: undefined },
  { name: "PostgreSQL (PURSER_TEST_POSTGRES is its URL)", skip: postgres === "", url: postgres },
];

describe.each(BOOKS)("on $name", ({ skip, url }) => {
  test.skipIf(skip).each([1, 4, 8])(
    "exactly ten are charged, from %i",
    async (processes) => {
      expect(await raceForCap({ client: "purser", processes, postgres: url })).toEqual({
        charged: 10,
        words: { delivered: 10, CAP_EXCEEDED: 40 },
      });
    },
    400_000,
  );
});
