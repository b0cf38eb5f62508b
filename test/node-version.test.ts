import { expect, test } from "vitest";

test("the package brings its own Node 24, whatever the machine has", () => {
  expect(process.versions.node).toMatch(/^24\./);
});
