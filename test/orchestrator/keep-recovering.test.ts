/** What the orchestrator does by itself, at the start and then now and then. */
import { expect, test } from "vitest";
import { keepRecovering } from "../../orchestrator/keep-recovering.ts";

test("it recovers at once, and again and again, also after a failure, one at a time, and stops", async () => {
  const third = Promise.withResolvers<void>();
  let [times, going, most] = [0, 0, 0];
  const recover = async () => {
    times += 1;
    going += 1;
    most = Math.max(most, going);
    await new Promise((resolve) => setImmediate(resolve));
    going -= 1;
    if (times === 3) third.resolve();
    if (times === 1) throw new Error("the chain is away");
  };
  const recovery = keepRecovering({ recover, everyMs: 1 });
  expect(times).toBe(1);
  await third.promise;
  await recovery.stop();
  const before = times;
  expect([most, going]).toEqual([1, 0]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(times).toBe(before);
});
