/** The free plan's requests a day, counted for each account from midnight UTC, in memory: a restart begins the day anew. */
export interface Allowance {
  /** Counts one request, and says whether it was still allowed. */
  take(accountId: string): boolean;
}

const FREE_REQUESTS_PER_DAY = 100_000;

export function openAllowance({
  perDay = FREE_REQUESTS_PER_DAY,
  now,
}: {
  perDay?: number | undefined;
  now: () => number;
}): Allowance {
  const used = new Map<string, { day: number; count: number }>();
  return {
    take: (accountId) => {
      const day = Math.floor(now() / 86_400_000);
      const known = used.get(accountId);
      const count = (known?.day === day ? known.count : 0) + 1;
      used.set(accountId, { day, count });
      return count <= perDay;
    },
  };
}
