/** One named fault for each case of ring 3, in a seller that is else right. */
import type { Ring3Fault } from "./ring3-shop.ts";

/** Those that need a server which dies are in `RESTART_MUTANTS`. */
export const RING_3: readonly (readonly [fault: Ring3Fault, kills: readonly string[]])[] = [
  ["goes on though verify says no", ["WORK-01"]],
  ["settles before it works", ["WORK-02"]],
  ["settles when it has answered", ["WORK-02", "TAMP-17", "RPLY-10", "TAMP-21", "WORK-20"]],
  ["charges for work that failed", ["WORK-03"]],
  [
    "delivers though settle says no",
    ["WORK-04", "WORK-05", "TAMP-17", "TAMP-21", "RPLY-10", "WORK-20"],
  ],
  ["works again for what did not settle", ["WORK-05"]],
  ["takes silence for yes", ["WORK-06"]],
  ["takes a lost answer for a refusal", ["WORK-07", "SETL-12", "WORK-19"]],
  ["needs no transaction", ["WORK-08"]],
  ["believes a yes for anybody", ["WORK-10"]],
  ["forgets the answer when the buyer is gone", ["WORK-11"]],
  ["passes the facilitator's headers on", ["WORK-12"]],
  ["settles twice", ["WORK-13"]],
  ["never asks again after an outage", ["WORK-14"]],
  ["settles later what it refused", ["WORK-14"]],
  ["says upfront and works first", ["WORK-15"]],
  ["fails when its hook fails", ["WORK-16"]],
  ["copies the facilitator's receipt", ["WORK-17"]],
  ["works before it asks", ["WORK-18"]],
  ["gives no reason", ["SETL-10", "SETL-11"]],
  ["refuses copies", ["IDEM-05"]],
  ["claims late", ["RPLY-03"]],
];

/** Only with `--load`. */
export const LOAD_MUTANTS: typeof RING_3 = [
  ["delivers unpaid when it is busy", ["LOAD-04"]],
  ["takes a lost answer for a refusal", ["LOAD-05"]],
];

export const RESTART_MUTANTS: typeof RING_3 = [
  ["remembers nothing", ["RPLY-06", "IDEM-09"]],
  ["lets everybody in without /supported", ["WORK-09"]],
];
