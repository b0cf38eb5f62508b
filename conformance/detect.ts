/** Which protocols an unpaid answer speaks. */
import { PROFILES, type Profile } from "./case.ts";
import { readChallenge } from "./read/challenge.ts";
import { headerOf, type WireAnswer } from "./wire/exchange.ts";

/** Every protocol that the answer shows a sign of, also where it is broken. */
export function detectProfiles(answer: WireAnswer): Profile[] {
  const signs: Record<Profile, boolean> = {
    "x402-v2": headerOf(answer, "payment-required") !== undefined,
    "x402-v1": answer.status === 402 && isV1(answer),
    mpp: /(^|,)\s*payment\b/i.test(headerOf(answer, "www-authenticate") ?? ""),
  };
  return PROFILES.filter((profile) => signs[profile]);
}

/** A body with `accepts` whose version is not 2: servers of version 2 may mirror their challenge in the body. */
function isV1(answer: WireAnswer): boolean {
  const { challenge } = readChallenge(answer, "x402-v1");
  return challenge !== undefined && challenge.value["x402Version"] !== 2;
}
