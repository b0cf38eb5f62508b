/** The options of `purser run` and `purser eval`. */
import type { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { collect } from "./program-options.ts";

export interface RunFlags {
  model: string;
  budget?: string;
  keep?: true;
  once?: true;
  out?: string;
  resume?: string;
  world?: string;
  provider: string[];
  yes?: true;
}

export interface EvalFlags {
  model?: string;
  agent?: string;
  epochs: string;
  concurrency: string;
  out?: string;
}

export function addRunning(
  program: Command,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): void {
  program
    .command("run")
    .description("Let an agent make a sentence, or a scenario file's goal, into a live URL.")
    .argument(
      "[goal]",
      'a scenario file (.md), or a sentence such as "Put a page for Ada on ada.dev"',
    )
    .option("--model <model>", "planner, openai:<id>, compatible:<base URL>#<id>", "planner")
    .option(
      "--budget <dollars>",
      "the most the run may spend, such as 25.00; the scenario's unless given",
    )
    .option(
      "--json",
      "print exactly one JSON object when the run has ended; progress goes to stderr",
    )
    .option(
      "--keep",
      "stay up after the proof, until Ctrl-C or SIGTERM (the default in a terminal)",
    )
    .option("--once", "end after the proof (the default otherwise)")
    .option("--out <dir>", "the folder for the run's record (default: .purser/runs/<time>-<name>)")
    .option("--resume <dir>", "go on with an interrupted run in its folder")
    .option(
      "--world <dir>",
      "run in the world of `purser up`: while it is up, or reopened at its addresses",
    )
    .option(
      "--provider <url>",
      "add a provider of your own to the world; may be repeated",
      collect,
      [],
    )
    .option("--yes", "accept whatever the human is asked, where the scenario does not say")
    .addHelpText(
      "after",
      `
The human: a scenario's own \`human\` policy answers. Without one, you are asked in a terminal; elsewhere everything is
accepted (it is play money and our own provider's terms), and the record says so.

The record: trace.jsonl (every call, without secrets), result.json, report.html, and world/ (all state of the run).
Remove the folder and nothing is left.`,
    )
    .action(async (goal: string | undefined, options: RunFlags) => {
      const { runCommand } = await import("./run.ts");
      end(await runCommand(goal, options, surroundings));
    });
  program
    .command("eval")
    .description(
      "Run scenarios several times, each in a world of its own, and say how often they pass.",
    )
    .argument("<files...>", "scenario files")
    .option("--model <model>", "planner, openai:<id>, compatible:<base URL>#<id>")
    .option("--agent <agent>", "planner; noop (does nothing); naive (pays whatever it is asked)")
    .option("--epochs <n>", "how often each scenario is run", "1")
    .option("--concurrency <n>", "runs at once, 1 or 2", "2")
    .option("--out <dir>", "the folder for the records (default: .purser/evals/<time>)")
    .option("--json", "print one JSON object; progress goes to stderr")
    .addHelpText(
      "after",
      `
Exit code 0 when every run passed and no gate was broken. results.jsonl in the folder has a line for each run.`,
    )
    .action(async (files: string[], options: EvalFlags) => {
      const { evalCommand } = await import("./eval.ts");
      end(await evalCommand(files, options, surroundings));
    });
}
