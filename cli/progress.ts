/** What happens, as it happens: a line in the terminal for each event that means something to a person. */
import { findAsset, type TraceLine } from "../protocol/index.ts";
import { type Paint, plain } from "./terminal.ts";

/** The line for an event, or undefined for what a person need not see. `start` is when the program began. */
export function progressLine(line: TraceLine, start: number, paint: Paint): string | undefined {
  const told = tell(line, paint);
  if (told === undefined) return undefined;
  const seconds = ((line.at - start) / 1000).toFixed(2).padStart(6);
  return `${paint.dim(`${seconds} s`)}  ${told}`;
}

function tell(line: TraceLine, paint: Paint): string | undefined {
  switch (line.type) {
    case "run":
      return line.resumed === true ? "Going on where the last attempt stopped." : undefined;
    case "stage":
      return line.durationMs === undefined ? STAGES[line.name] : undefined;
    case "warning":
      return `${paint.warn("!")} ${plain(line.text)}`;
    case "human":
      return `${paint.warn("?")} ${plain(line.question)} ${paint.bold(plain(line.answer, 80))}`;
    case "connection":
      return `${paint.good("+")} Account at ${plain(line.provider)}`;
    case "resource":
      return `${paint.good("+")} ${plain(line.service)}`;
    case "quote":
      return `${paint.warn("$")} ${plain(line.service)} costs $${line.amount} by the catalog`;
    case "payment":
      return line.state === "settled"
        ? `${paint.good("$")} Paid ${line.amount} ${symbolOf(line)} for ${plain(line.service)}`
        : undefined;
    case "refusal":
      return `${paint.bad("×")} Not paid: ${plain(line.error.problem)}`;
    case "deploy":
      return `${paint.good("+")} Deployed ${plain(line.name)}${line.hostname === undefined ? "" : ` to ${plain(line.hostname)}`}`;
    case "tool":
      return line.error === undefined
        ? undefined
        : `${paint.dim("·")} ${plain(line.name)}: ${plain(line.error.problem)}`;
    case "check":
      return line.passed
        ? undefined
        : `${paint.bad("×")} ${plain(line.name)}: ${plain(line.detail)}`;
    case "model":
    case "outcome":
      break;
  }
  return undefined;
}

function symbolOf({ network, asset }: { network: string; asset: string }): string {
  return findAsset(network, asset)?.symbol ?? plain(asset, 50);
}

const STAGES: Readonly<Record<string, string>> = {
  world: "Opening the world: chain, facilitator, provider, orchestrator",
  agent: "The agent begins",
  proof: "Looking at the result from outside",
};
