/** The options of `purser check-provider`. */
import type { Command } from "commander";
import type { Surroundings } from "./surroundings.ts";

export interface CheckProviderFlags {
  identity?: string;
  only?: string[];
  verbose?: boolean;
}

/** Adds `check-provider` to the program; `end` takes the exit code. */
export function addCheckProvider(
  program: Command,
  surroundings: Surroundings,
  end: (code: 0 | 1 | 2 | 3) => void,
): void {
  program
    .command("check-provider")
    .description(
      "Test a provider against the provisioning protocol: catalog, signatures, accounts, resources.",
    )
    .argument("<url>", "its base URL, such as http://127.0.0.1:4101")
    .option(
      "--identity <file>",
      "the tester's key; made where it is not there",
      ".purser/check-provider.json",
    )
    .option("--only <ids>", "only these cases, such as SIGN-01,ACCT-13", (text) => text.split(","))
    .option("--verbose", "a line for every case, not only for what does not hold")
    .option("--json", "print one JSON object, the report")
    .addHelpText(
      "after",
      `
It acts as an orchestrator with a key of its own, and makes accounts and free
resources; it pays nothing. Most cases need a provider that trusts that key: run it once, and add the entry that it prints to the
orchestrators that the provider trusts. The key and its port stay the same from then on.

Exit codes: 0 everything held, 1 something did not, 2 the provider does not trust the tester, or there is no provider there, or the
command line is wrong, 3 the tester failed.`,
    )
    .action(async (url: string, options: CheckProviderFlags) => {
      const { checkProviderCommand } = await import("./check-provider.ts");
      end(await checkProviderCommand(url, options, surroundings));
    });
}
