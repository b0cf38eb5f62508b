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

export const CASES: readonly Case[] = [
  ...DISCOVERY_CASES,
  ...SIGNAL_CASES,
  ...FIELD_CASES,
  ...VERSION_CASES,
  ...OFFER_CASES,
  ...SENSE_CASES,
  ...MPP_CHALLENGE_CASES,
  ...METHOD_CASES,
  ...ORIGIN_CASES,
  ...PRICE_CASES,
  ...LEAK_CASES,
  ...MPP_CREDENTIAL_CASES,
  ...MALFORMED_CASES,
  ...VALUE_CASES,
  ...SIGNATURE_CASES,
  ...TAMPERING_CASES,
  ...TERMS_CASES,
  ...ERROR_CASES,
  ...AFTERMATH_CASES,
  ...AMBIGUITY_CASES,
  ...PATH_CASES,
  ...SETTLEMENT_CASES,
  ...REPLAY_CASES,
  ...LOST_ANSWER_CASES,
];

/** The case of an id, in either case of letters. */
export function findCase(id: string): Case | undefined {
  return CASES.find((one) => one.id === id.toUpperCase());
}
