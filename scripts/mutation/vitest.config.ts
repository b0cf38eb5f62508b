/** The tests that mutants are tried on: `MUTATION_TESTS` names them, one after another, by the script that starts this. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: (process.env["MUTATION_TESTS"] ?? "").split(" "),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
  },
});
