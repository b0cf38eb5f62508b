/** The options of `purser up` and `purser fund`. */
import type { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { collect } from "./program-options.ts";

export interface UpFlags {
  out?: string;
  provider: string[];
  oidcIssuer?: string;
  oidcClientId?: string;
  oidcAdmit: string[];
}

export interface FundFlags {
  amount: string;
  rpc?: string;
  world?: string;
}

export function addWorld(
  program: Command,
  surroundings: Surroundings,
  end: (code: ExitCode) => void,
): void {
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
    .option(
      "--oidc-issuer <url>",
      "who signs people in at the orchestrator, by OpenID Connect (default: an issuer of our own, by a passcode)",
    )
    .option("--oidc-client-id <id>", "as that issuer knows the orchestrator")
    .option(
      "--oidc-admit <email>",
      "only this user of that issuer; may be repeated (default: all of its users)",
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
}
