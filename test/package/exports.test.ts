/** What the package promises: the names behind each entry point. A change of this list is a change for everybody who uses it. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, unknown>;
};
const folders = Object.keys(exports).map((entry) => entry.slice("./".length));

test.each(folders)("purser/%s", async (folder) => {
  const door = (await import(`../../${folder}/index.ts`)) as Record<string, unknown>;
  await expect(Object.keys(door).toSorted().join("\n")).toMatchFileSnapshot(
    `exports/${folder}.txt`,
  );
});
