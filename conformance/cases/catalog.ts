/** Every case, in the order of its group. */
import type { Case } from "../case.ts";
import { DISCOVERY_CASES } from "./discovery.ts";
import { FIELD_CASES } from "./challenge-fields.ts";
import { LEAK_CASES } from "./leaks.ts";
import { METHOD_CASES } from "./http-methods.ts";
import { MPP_CHALLENGE_CASES } from "./mpp-challenge.ts";
import { OFFER_CASES } from "./offers.ts";
import { ORIGIN_CASES } from "./http-origins.ts";
import { SENSE_CASES } from "./offer-sense.ts";
import { VERSION_CASES } from "./versions.ts";
import { PRICE_CASES } from "./price.ts";
import { SIGNAL_CASES } from "./signal.ts";

import { ERROR_CASES } from "./errors.ts";
import { MALFORMED_CASES } from "./malformed.ts";
import { MPP_CREDENTIAL_CASES } from "./mpp-credentials.ts";
import { PATH_CASES } from "./paths.ts";
import { SIGNATURE_CASES } from "./signatures.ts";
import { TAMPERING_CASES } from "./tampering.ts";
import { AFTERMATH_CASES } from "./after-refusal.ts";
import { AMBIGUITY_CASES } from "./header-ambiguity.ts";
import { TERMS_CASES } from "./tampering-terms.ts";
import { VALUE_CASES } from "./malformed-values.ts";
import { LOST_ANSWER_CASES } from "./lost-answers.ts";
import { REPLAY_CASES } from "./replay.ts";
import { SETTLEMENT_CASES } from "./settlement.ts";
import { BYTE_CASES } from "./malformed-bytes.ts";
import { CACHE_CASES } from "./caches.ts";
import { CHAIN_CASES } from "./offers-on-chain.ts";
import { ELSEWHERE_CASES } from "./elsewhere.ts";
import { IDENTIFIER_CASES } from "./identifiers.ts";
import { LISTING_CASES } from "./listings.ts";
import { LOAD_CASES } from "./load.ts";
import { MPP_REPEAT_CASES } from "./mpp-repeats.ts";
import { ORDER_CASES } from "./other-orders.ts";
import { PREEMPTED_CASES } from "./preempted.ts";
import { TRANSPORT_CASES } from "./transport.ts";
import { WHOLE_RUN_CASES } from "./whole-run.ts";
import { WRONG_METHOD_CASES } from "./wrong-methods.ts";

import { BETWEEN_CASES } from "./between.ts";
import { MPP_BEHIND_CASES } from "./mpp-behind.ts";
import { FACILITATOR_FAULT_CASES, SILENCE_CASES } from "./facilitator-faults.ts";
import { WORK_ORDER_CASES } from "./work-order.ts";
import { RESTART_CASES } from "./restarts.ts";
import { STORM_CASES } from "./storms.ts";
import { UNRESOLVED_CASES } from "./unresolved.ts";
import { WORK_COUNT_CASES } from "./work-counts.ts";

export const CASES: readonly Case[] = [
  ...DISCOVERY_CASES,
  ...LISTING_CASES,
  ...SIGNAL_CASES,
  ...FIELD_CASES,
  ...VERSION_CASES,
  ...OFFER_CASES,
  ...SENSE_CASES,
  ...CHAIN_CASES,
  ...MPP_CHALLENGE_CASES,
  ...METHOD_CASES,
  ...ORIGIN_CASES,
  ...PRICE_CASES,
  ...LEAK_CASES,
  ...MPP_CREDENTIAL_CASES,
  ...MPP_REPEAT_CASES,
  ...MALFORMED_CASES,
  ...VALUE_CASES,
  ...BYTE_CASES,
  ...SIGNATURE_CASES,
  ...TAMPERING_CASES,
  ...TERMS_CASES,
  ...ERROR_CASES,
  ...AFTERMATH_CASES,
  ...AMBIGUITY_CASES,
  ...PATH_CASES,
  ...TRANSPORT_CASES,
  ...LOAD_CASES,
  ...SETTLEMENT_CASES,
  ...CACHE_CASES,
  ...REPLAY_CASES,
  ...ELSEWHERE_CASES,
  ...WRONG_METHOD_CASES,
  ...ORDER_CASES,
  ...IDENTIFIER_CASES,
  ...LOST_ANSWER_CASES,
  ...PREEMPTED_CASES,
  ...WHOLE_RUN_CASES,
  ...WORK_COUNT_CASES,
  ...MPP_BEHIND_CASES,
  ...WORK_ORDER_CASES,
  ...FACILITATOR_FAULT_CASES,
  ...UNRESOLVED_CASES,
  ...BETWEEN_CASES,
  ...STORM_CASES,
  ...SILENCE_CASES,
  // Last: they end the server under test.
  ...RESTART_CASES,
];

/** The case of an id, in either case of letters. */
export function findCase(id: string): Case | undefined {
  return CASES.find((one) => one.id === id.toUpperCase());
}
