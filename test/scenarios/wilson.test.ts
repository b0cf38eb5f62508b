/** The Wilson interval, against values that others computed, and its properties. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { wilsonInterval } from "../../scenarios/index.ts";

test.each([
  [0, 10, 0, 0.2775],
  [10, 10, 0.7225, 1],
  [8, 10, 0.4902, 0.9433],
  [1, 1, 0.2065, 1],
])("%i of %i lies between %f and %f", (successes, trials, low, high) => {
  const interval = wilsonInterval(successes, trials);
  expect(interval.low).toBeCloseTo(low, 4);
  expect(interval.high).toBeCloseTo(high, 4);
});

test("without a trial nothing is known", () => {
  expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
});

test("it holds the observed rate, stays between 0 and 1, and narrows with more trials", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(200), (successes, failures) => {
      const trials = successes + failures;
      fc.pre(trials > 0);
      const { low, high } = wilsonInterval(successes, trials);
      const more = wilsonInterval(successes * 4, trials * 4);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(low).toBeLessThanOrEqual(successes / trials + 1e-12);
      expect(high).toBeGreaterThanOrEqual(successes / trials - 1e-12);
      expect(more.high - more.low).toBeLessThan(high - low);
    }),
  );
});
