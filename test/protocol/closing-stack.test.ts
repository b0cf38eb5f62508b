/** What was opened is closed, in reverse, whatever fails on the way. */
import { expect, test } from "vitest";
import { ClosingStack } from "../../protocol/closing-stack.ts";

test("everything is closed in reverse order, also behind a part that fails, which is told", async () => {
  const closed: string[] = [];
  const stack = new ClosingStack();
  stack.use({ [Symbol.dispose]: () => void closed.push("first") });
  stack.defer(() => {
    throw new Error("stuck");
  });
  stack.use({ [Symbol.asyncDispose]: async () => void closed.push("last") });
  await expect(stack[Symbol.asyncDispose]()).rejects.toThrow("stuck");
  expect(closed).toEqual(["last", "first"]);
});

test("what was handed over is closed by whoever has it", async () => {
  let closed = 0;
  let moved: ClosingStack;
  {
    await using stack = new ClosingStack();
    stack.defer(() => (closed += 1));
    moved = stack.move();
  }
  expect(closed).toBe(0);
  await moved[Symbol.asyncDispose]();
  await moved[Symbol.asyncDispose]();
  expect(closed).toBe(1);
});
