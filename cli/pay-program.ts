/** The options of `purser pay`. */
import type { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import type { PayFlags } from "./pay.ts";
import { collect } from "./program-options.ts";
import { withWallet } from "./wallet-program.ts";

export function addPay(
  program: Command,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): void {
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
}
