/** `purser/middleware` is for people who install it alone: it must load with viem and zod, and nothing else. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What a file imports when it is loaded: not types, and not what `import()` loads later. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const statements = text.matchAll(/^(?:import|export)\s(?!type\s)([^;]*?)\sfrom\s"([^"]+)";/gms);
  const bare = text.matchAll(/^import\s"([^"]+)";/gm);
  const named = [...statements].flatMap(([, names = "", from = ""]) => {
    const list = /^\{([^}]*)\}$/s.exec(names.trim())?.[1];
    const onlyTypes = list?.split(",").every((name) => /^\s*(type\s.*)?$/s.test(name)) ?? false;
    return onlyTypes ? [] : [from];
  });
  return [...named, ...[...bare].map(([, from = ""]) => from)];
}

function packagesReachedFrom(entry: string): Map<string, string> {
  const seen = new Set<string>();
  const packages = new Map<string, string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const from of importsOf(file)) {
      if (from.startsWith(".")) visit(join(dirname(file), from));
      else if (!from.startsWith("node:")) packages.set(from, relative(ROOT, file));
    }
  };
  visit(join(ROOT, entry));
  return packages;
}

test.each([
  ["protocol/index.ts", ["jose", "zod"]],
  ["middleware/index.ts", ["jose", "viem", "viem/accounts", "zod"]],
  ["middleware/signer/signer-child.ts", []],
  ["store/index.ts", []],
])("%s imports nothing but %j when it is loaded", (entry, allowed) => {
  const foreign = [...packagesReachedFrom(entry)].filter(([name]) => !allowed.includes(name));
  expect(foreign).toEqual([]);
});
