/** The orchestrator's wallet recovers by itself, with a grace for those who are paying. */
import { expect, test } from "vitest";
import { keepRecovering } from "../../orchestrator/wallet-recovery.ts";

test("it recovers again and again, also after a failure, one at a time, and stops", async () => {
  const graces: (number | undefined)[] = [];
  const third = Promise.withResolvers<void>();
  let [going, most] = [0, 0];
  const recover = async ({ graceMs }: { graceMs?: number } = {}) => {
    going += 1;
    most = Math.max(most, going);
    graces.push(graceMs);
    await Promise.resolve();
    going -= 1;
    if (graces.length === 3) third.resolve();
    if (graces.length === 1) throw new Error("the chain is away");
    return [];
  };
  const recovery = keepRecovering({ wallet: () => ({ recover }), everyMs: 1 });
  await third.promise;
  await recovery.stop();
  const { length } = graces;
  expect(new Set(graces)).toEqual(new Set([30_000]));
  expect(most).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(graces).toHaveLength(length);
});

test("without a wallet there is nothing to do, until the human brings one", async () => {
  const asked = Promise.withResolvers<void>();
  let wallet: { recover: () => Promise<never[]> } | undefined;
  let looks = 0;
  const recovery = keepRecovering({
    wallet: () => {
      looks += 1;
      if (looks === 2) {
        wallet = { recover: async () => (asked.resolve(), []) };
      }
      return wallet;
    },
    everyMs: 1,
  });
  await asked.promise;
  await recovery.stop();
  expect(looks).toBeGreaterThanOrEqual(2);
});
