/** How a run ended by the agent's own account, and what to tell the person when it stopped short. */
import type { ErrorBody } from "../protocol/index.ts";

export const OUTCOMES = ["live", "answered", "refused", "failed"] as const;
/** `refused`: going on would have been wrong (too expensive, declined, not as agreed). `failed`: it could not be done. */
export type Outcome = (typeof OUTCOMES)[number];

/** Why a run stopped short, and what the person can do about it. */
export const CAUSES = {
  over_budget: "Raise the budget or the goal's limit, or choose something cheaper.",
  domain_taken: "Choose another domain name.",
  terms_declined: "Accept the provider's terms, or choose another provider.",
  consent_missing:
    "Consent on the provider's page as the account's owner, and run again; or choose another provider.",
  payment_method: "Add a payment method to the project.",
  offer_refused: "Do not pay; tell the provider that its price or payee is not the catalog's.",
  payment_unsettled: "Resume the run: the same payment is looked up, and never made twice.",
  no_service: "Add a provider that offers it.",
  purchase_forbidden: "Allow the purchase in the goal, or leave the domain out of it.",
  domain_owned: 'Say "register" and the name to have it bought here, or choose another name.',
  unclear_goal: "Say what to build, and on which domain.",
  unclear_spending:
    'Say what may be spent in plain words, such as "Spend at most $15.", and put words for the page in quotation marks.',
  unclear_domain: "Write the domain as it should be, such as nimbus.dev.",
  unclear_folder: 'Name the folder, such as "Deploy the folder site/ to nimbus.dev".',
  unclear_input: "Say in the goal what the service asks for, or name another service.",
  deploy_failed: "Look at the tool's error in the trace, and run again.",
  other: "Look at the trace of the run.",
} as const satisfies Record<string, string>;
export type Cause = keyof typeof CAUSES;

/** Causes that differ in what to do next alone share a code. */
const CODES: Partial<Record<Cause, string>> = {
  unclear_spending: "UNCLEAR_GOAL",
  unclear_domain: "UNCLEAR_GOAL",
  unclear_folder: "UNCLEAR_GOAL",
  unclear_input: "UNCLEAR_GOAL",
};

export interface Finish {
  outcome: Outcome;
  answer?: string | undefined;
  reason?: string | undefined;
  cause?: Cause | undefined;
}

/** The error that a finish short of the goal stands for. */
export function finishError({ outcome, reason, cause = "other" }: Finish): ErrorBody | undefined {
  if (outcome === "live" || outcome === "answered") return undefined;
  return {
    code:
      cause === "other" ? `GOAL_${outcome.toUpperCase()}` : (CODES[cause] ?? cause.toUpperCase()),
    problem: reason ?? "The agent gave no reason.",
    nextStep: CAUSES[cause],
  };
}
