/** Unpaid requests per second: our paywall's 402 beside plain Express that answers the same bytes. */
import { type Bench, median } from "./bench.ts";
import { openTurnProcess, type TurnProcess } from "./turn-process.ts";
import type { UnpaidRates, UnpaidTurn } from "./unpaid-child.ts";

const ROUNDS = 15;
/** Rounds of which nothing is counted, in which what is often called is compiled. */
const WARM_UP = 2;
const REQUESTS = 2_000;

export const unpaidRequests: Bench = {
  name: "unpaid request (402)",
  unit: "/s",
  target: 0,
  better: "higher",
  timesBest: 0.9,
  async measure() {
    const servers: TurnProcess<UnpaidTurn, UnpaidRates> = await openTurnProcess("unpaid-child.ts", [
      "unpaid",
    ]);
    await using _ = servers;
    const rates: UnpaidRates[] = [];
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      rates.push(await servers.take({ requests: REQUESTS }));
    }
    const counted = rates.slice(WARM_UP);
    const best = median(counted.map(({ plain }) => plain));
    return { ours: median(counted.map(({ ours }) => ours)), best, bestName: "plain Express" };
  },
};
