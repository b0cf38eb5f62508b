/** A calibration agent that does nothing: a scenario that it passes measures nothing. */
import { scriptedModel } from "./scripted-model.ts";

export function noopModel() {
  return scriptedModel({
    id: "noop",
    decide: () => ({
      text: "",
      calls: [{ tool: "finish", input: { outcome: "failed", reason: "This agent does nothing." } }],
    }),
  });
}
