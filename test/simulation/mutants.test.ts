/** The simulation sees what it is for: each wallet that is wrong on purpose breaks an invariant within a few seeds. */
import { expect, test } from "vitest";
import { huntMutants } from "./children.ts";
import type { Hunt } from "./mutant-child.ts";
import { MUTANTS } from "./mutants.ts";

const NAMES = MUTANTS.map(({ name }) => name);
const hunts = new Map<string, Hunt>();
let running: Promise<void> | undefined;

/** All of them together, in two processes; the seeds are among the five hundred that the wallet as it is passes. */
function huntAll(): Promise<void> {
  running ??= huntMutants(NAMES, 2, (hunt) => hunts.set(hunt.name, hunt));
  return running;
}

test.each(NAMES)("a wallet that %s is caught", { timeout: 300_000 }, async (name) => {
  await huntAll();
  expect(hunts.get(name)?.caught).toMatchObject({ invariant: expect.stringMatching(/^[CIO]\d+$/) });
});
