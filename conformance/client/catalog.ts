/** Every case for clients and agents, in the order that they are run in and listed. */
import { AGENTS } from "./cases/agents.ts";
import { AMOUNTS } from "./cases/amounts.ts";
import { PARTIES } from "./cases/parties.ts";
import { REDIRECTS } from "./cases/redirects.ts";
import { REPEATS } from "./cases/repeats.ts";
import { WORDS } from "./cases/words.ts";
import type { ClientCase } from "./client-case.ts";

export type ClientMode = "client" | "agent";

export const CLIENT_CASES: readonly ClientCase[] = [
  ...AMOUNTS,
  ...PARTIES,
  ...REDIRECTS,
  ...REPEATS,
  ...WORDS,
];

/** For a program that is given a goal and no request. */
export const AGENT_CASES: readonly ClientCase[] = AGENTS;
