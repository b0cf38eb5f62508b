/**
 * The commands and their options, and how each ends: with an exit code, and with `--json` as exactly one JSON object on stdout,
 * also when the command line itself is wrong.
 */
import { Command, CommanderError } from "commander";
import { toErrorBody } from "../protocol/error.ts";
import { addCheck } from "./check-program.ts";
import { addFacilitator } from "./facilitator-program.ts";
import { endedBy, EXIT, type ExitCode, UsageError } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain, type Terminal } from "./terminal.ts";
import { findPackage } from "./package.ts";
import type { PayFlags } from "./pay.ts";
import { addWalletCommands, withWallet } from "./wallet-program.ts";

/** Runs one command line and gives its exit code. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { terminal, json } = surroundings;
  let code: ExitCode = EXIT.passed;
  const program = createProgram(surroundings, (ended) => (code = ended));
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.passed;
    const ended = error instanceof CommanderError ? endedBy(asUsage(error)) : endedBy(error);
    if (json) terminal.out(JSON.stringify({ passed: false, error: ended.error }, undefined, 2));
    // What is wrong with the command line itself, commander has printed.
    else if (!(error instanceof CommanderError)) tell(ended.error, terminal);
    return ended.code;
  }
}

function createProgram(surroundings: Surroundings, end: (code: ExitCode) => void): Command {
  const { terminal } = surroundings;
  const program = new Command("purser")
    .description(
      "A sentence goes in, a live URL comes out, and the money cannot run away.\nEverything happens on this machine, with play money, unless you configure otherwise.",
    )
    .version(findPackage()?.version ?? "unknown")
    .showHelpAfterError("Run it with --help to see how it is used.")
    .addHelpText(
      "after",
      `
Examples:
  purser run "Put a landing page for Nimbus Coffee on nimbus.dev"
  purser run scenarios/over-budget.md --json
  purser eval scenarios/*.md --model planner --epochs 3
  purser up

Exit codes: 0 passed, 1 not passed, 2 wrong usage (nothing was started), 3 the world could not start.`,
    );
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
    .command("up")
    .description("Open the local world alone and stay up, for your own client or provider to join.")
    .option("--json", "print one JSON object with every address")
    .option("--out <dir>", "the world's folder; it reopens as it was (default: .purser/world)")
    .option(
      "--provider <url>",
      "add a provider of your own to the world; may be repeated",
      collect,
      [],
    )
    .action(async (options: UpFlags) => {
      const { upCommand } = await import("./up.ts");
      end(await upCommand(options, surroundings));
    });
  program
    .command("fund")
    .description("Give an address play money on a local chain that is up.")
    .argument("<address>", "0x and 40 hexadecimal digits")
    .option("--amount <dollars>", "USDC to give", "100.00")
    .option("--rpc <url>", "the chain's RPC URL, as `purser up` prints it")
    .option("--world <dir>", "or the world's folder (default: .purser/world)")
    .option("--json", "print one JSON object")
    .action(async (address: string, options: FundFlags) => {
      const { fundCommand } = await import("./fund.ts");
      end(await fundCommand(address, options, surroundings));
    });
  withWallet(
    program
      .command("pay")
      .description(
        "Make one request, and pay for it if it asks for that: from the local world's wallet, or from one of its own.",
      )
      .argument("<url>", "what to fetch"),
  )
    .option("-X, --request <method>", "the method (default: GET, or POST with -d)")
    .option("-H, --header <line>", 'such as "Accept: text/plain"; may be repeated', collect, [])
    .option("-d, --data <text>", "the body")
    .option("--max <dollars>", "the most that may be paid, such as 0.05")
    .option("--payee <address>", "the only recipient (default: whoever the URL's server names)")
    .option(
      "--key <key>",
      "the purchase's own key: the same key never pays twice (default: a new one)",
    )
    .option("--dry-run", "only say what it would cost")
    .option("--local", "with --wallet: the server may be on this machine or in a private network")
    .option("--json", "print one JSON object")
    .action(async (url: string, options: PayFlags) => {
      const { payCommand } = await import("./pay.ts");
      end(await payCommand(url, options, surroundings));
    });
  const wallet = addWalletCommands(program, surroundings, end);
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
  const scenario = program.command("scenario").description("Write scenario files.");
  scenario
    .command("lint")
    .description(
      "Check scenario files; every problem with its line. Exit code 2 when there is one.",
    )
    .argument("<files...>", "scenario files")
    .option("--json", "print one JSON object")
    .action(async (files: string[]) => {
      const { lintCommand } = await import("./scenario.ts");
      end(await lintCommand(files, surroundings));
    });
  scenario
    .command("new")
    .description("Make a scenario file to begin with: <name>.md in this folder.")
    .argument("<name>", "lower-case letters, digits and dashes")
    .option("--json", "print one JSON object")
    .action(async (name: string) => {
      const { newCommand } = await import("./scenario.ts");
      end(await newCommand(name, surroundings));
    });
  addFacilitator(program, surroundings, end);
  const check = addCheck(program, surroundings, end);
  const quiet = (text: string) => {
    if (!surroundings.json) terminal.note(text.trimEnd());
  };
  const nested = [scenario, wallet, check].flatMap(({ commands }) => commands);
  for (const command of [program, ...program.commands, ...nested]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: quiet,
    });
  }
  return program;
}

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

export interface UpFlags {
  out?: string;
  provider: string[];
}

export interface FundFlags {
  amount: string;
  rpc?: string;
  world?: string;
}

export interface EvalFlags {
  model?: string;
  agent?: string;
  epochs: string;
  concurrency: string;
  out?: string;
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function asUsage(error: CommanderError): UsageError {
  return new UsageError("USAGE", {
    problem: plain(error.message.replace(/^error: /, "")),
    nextStep: "Run `purser --help`, or the command with --help, to see how it is used.",
  });
}

function tell(error: ReturnType<typeof toErrorBody>, { note, paint }: Terminal): void {
  note(
    `${paint.bad(error.code)}: ${error.problem
      .split("\n")
      .map((line) => plain(line, 2000))
      .join("\n")}`,
  );
  note(plain(error.nextStep, 2000));
}
