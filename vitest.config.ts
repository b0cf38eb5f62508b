import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/suite-folder.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Loading what the files have in common once for each worker, and not for each file, is a fifth of the suite.
    isolate: false,
    maxWorkers: 2,
    // Some hundred programs are started in the tests, and compiling is half of what each takes.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, ".cache/compiled") },
  },
});
