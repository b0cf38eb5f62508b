/** What comes of looking at a possibility: it is ruled out, or something has to be asked first. */
import type { Cause } from "../finish.ts";
import type { Decision } from "../models/scripted-model.ts";

/** Why a possibility was ruled out. */
export interface Ruling {
  cause: Cause;
  reason: string;
  /** Whose offer was ruled out, where it was one provider's. */
  provider?: string;
}

/** The step that tells more, or ends the run. */
export interface Ask {
  step: Decision;
}
