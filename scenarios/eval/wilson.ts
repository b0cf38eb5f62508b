/**
 * The Wilson score interval: between what true rates a number of successes is likely, at 95 %. It stays honest for few
 * trials and for none or all of them, where the usual interval has no width.
 */
const Z = 1.959_963_984_540_054;

export interface Interval {
  low: number;
  high: number;
}

export function wilsonInterval(successes: number, trials: number): Interval {
  if (trials === 0) return { low: 0, high: 1 };
  const rate = successes / trials;
  const scale = 1 + Z ** 2 / trials;
  const centre = (rate + Z ** 2 / (2 * trials)) / scale;
  const half = (Z / scale) * Math.sqrt((rate * (1 - rate)) / trials + Z ** 2 / (4 * trials ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
