/** The options of `purser facilitator`. */
import { type Command, Option } from "commander";
import type { ExitCode } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";

export interface FacilitatorFlags {
  network: string;
  rpc?: string;
  asset?: string;
  keyFile: string[];
  port: string;
  host: string;
  dir?: string;
  duplicates: "answer" | "refuse";
  allowMainnet?: true;
}

/** Adds `facilitator` to the program; `end` takes the exit code. */
export function addFacilitator(
  program: Command,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): void {
  program
    .command("facilitator")
    .description("Verify and settle x402 payments on a network, until Ctrl-C.")
    .option("--network <id>", 'such as base-sepolia, base or "eip155:137"', "base-sepolia")
    .option("--rpc <url>", "the network's RPC server; or in the environment, RPC_URL")
    .option("--asset <address>", "its EIP-3009 token, where we know none on the network")
    .option(
      "--key-file <file>",
      "a private key of an account that pays the gas, in hexadecimal; may be repeated, and they settle in parallel. Or one in the environment, FACILITATOR_KEY",
      (file: string, before: string[]) => [...before, file],
      [],
    )
    .option("--port <n>", "where it listens", "4402")
    .option("--host <address>", "on which address; whoever reaches it can use its gas", "127.0.0.1")
    .option(
      "--dir <dir>",
      "what it has sent, to be found after a crash (default: .purser/facilitator)",
    )
    .addOption(
      new Option(
        "--duplicates <what>",
        "what a second asker for one settlement is told: the same answer, or no, unless it has the first one's Idempotency-Key",
      )
        .choices(["answer", "refuse"])
        .default("answer"),
    )
    .option("--allow-mainnet", "settle real money, which is asked for on purpose")
    .option("--json", "print one JSON object, once it listens")
    .addHelpText(
      "after",
      `
It answers POST /verify and /settle, GET /supported, /health and /metrics (Prometheus), and writes a JSON line to stderr for
whatever happens. An account for the gas never holds a payment: give it little.`,
    )
    .action(async (options: FacilitatorFlags) => {
      const { facilitatorCommand } = await import("./facilitator.ts");
      end(await facilitatorCommand(options, surroundings));
    });
}
