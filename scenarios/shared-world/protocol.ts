/**
 * How a program runs a scenario in a world that another program holds open (`purser up`): over loopback HTTP, with a token that
 * lies in the world's folder and that only its owner can read. The run happens in the world's own program; its events, its
 * questions to the human and its result come back as lines of JSON while the request lasts.
 */
import { z } from "zod";
import type { ErrorBody, HumanAsk, TraceLine } from "../../protocol/index.ts";
import type { RunResult } from "../run/run-result.ts";

/** `control.json` in the world's folder. */
export const ControlFile = z.object({
  url: z.url(),
  token: z.string().min(32),
  /** A session of the world's own person with its orchestrator, for the command line. */
  orchestrator: z.object({ url: z.url(), token: z.string().min(32) }),
});
export type ControlFile = z.output<typeof ControlFile>;

export const CONTROL_FILE = "control.json";

/** `POST /runs`: what is to be run stands in the record's folder; the answer is `RunMessage`s, a line each. */
export const RunCall = z.object({
  /** The folder of a prepared record, on this same machine. */
  record: z.string(),
  resumed: z.boolean(),
  /** Base URLs of the user's own providers, added to the world. */
  providers: z.array(z.string()),
  /** The caller's settings of its model. */
  env: z.record(z.string(), z.string()),
});
export type RunCall = z.output<typeof RunCall>;

export type RunMessage =
  | { type: "event"; line: TraceLine }
  | { type: "ask"; id: string; ask: HumanAsk }
  | { type: "result"; result: RunResult }
  | { type: "error"; error: ErrorBody };

/** `POST /answers/{id}`: the human's answer to an ask. */
export const AnswerCall = z.object({ answer: z.string().max(10_000) });

/** What a model may need of the caller's environment; nothing else of it is handed over. */
export const MODEL_ENVIRONMENT = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "COMPATIBLE_API_KEY"];
