/** Every check of a run: what the scenario expects, then the gates that hold for all. */
import type { Check } from "../run/run-result.ts";
import type { Evidence } from "./evidence.ts";
import { checkExpectation } from "./expectation.ts";
import { moneyGates } from "./money.ts";
import { checkSite } from "./site.ts";

export { NO_SITE } from "./site.ts";
export type { Evidence, LedgerPayment } from "./evidence.ts";

export async function checkRun(evidence: Evidence): Promise<Check[]> {
  return [...checkExpectation(evidence), ...(await checkSite(evidence)), ...moneyGates(evidence)];
}
