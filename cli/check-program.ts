/** The options of `purser check` and its subcommands. */
import type { Command } from "commander";
import { collect } from "./program-options.ts";
import { endedBy, EXIT, ToolError, UsageError } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";

export interface CheckFlags {
  request?: string;
  header: string[];
  data?: string;
  profile?: string;
  ring: string;
  only?: string[];
  skip?: string[];
  baseline?: string;
  strict?: true;
  load?: true;
  seed?: string;
  report?: string;
  out: string;
  expectPayTo?: string;
  maxPrice?: string;
  resourceMarker?: string;
  sibling?: string;
  alsoUrl?: string;
  otherBody?: string;
  catalog?: string;
  openapi?: string;
  facilitatorPort: string;
  rpcPort: string;
  witnessPort: string;
  serve?: string;
  settings?: true;
  chaos?: string;
  keyEnv?: string;
  rpc?: string;
  maxSpend?: string;
  allowMainnet?: boolean;
  allowPrivate?: true;
  verbose?: true;
  client?: string;
  agent?: string;
  deadline?: string;
}

export interface ListFlags {
  ring?: string;
  profile?: string;
  leftOut?: boolean;
}

const list = (text: string) => text.split(",");

/** Adds `check` to the program; `end` takes the exit code. */
export function addCheck(
  program: Command,
  surroundings: Surroundings,
  end: (code: 0 | 1 | 2 | 3) => void,
): void {
  const check = program
    .command("check")
    .description("Test a 402-gated endpoint: does it ask rightly, and can it be cheated?")
    // What stands behind a subcommand is that subcommand's, and not silently ours.
    .enablePositionalOptions()
    .argument("[url]", "the paid URL, such as http://127.0.0.1:4021/weather")
    .option("-X, --request <method>", "the method (default: GET, or POST with -d)")
    .option("-H, --header <line>", 'such as "Accept: text/plain"; may be repeated', collect, [])
    .option("-d, --data <text>", "the body")
    .option("--profile <list>", "x402-v2, x402-v1, mpp, all; or auto, which reads the answer")
    .option(
      "--ring <n>",
      "how far to go: 0 looks; 1 attacks with a key that holds nothing; 2 pays; 3 breaks what is behind it",
      "0",
    )
    .option("--only <ids>", "only these cases, such as CHAL-*,HTTP-01", list)
    .option("--skip <ids>", "not these cases", list)
    .option("--baseline <file>", "cases that are known to fail, a YAML list")
    .option("--strict", "warnings fail too, and what cannot be assessed is incomplete")
    .option("--load", "also the cases that send many requests")
    .option("--seed <text>", "the same seed makes the same random choices")
    .option("--report <list>", "write json, junit, sarif, md, html, har")
    .option("--out <dir>", "where reports are written", "purser-check")
    .option("--expect-pay-to <address>", "the recipient that it must name")
    .option("--max-price <dollars>", "the most that it may ask, for a token of 6 decimals")
    .option("--resource-marker <text>", "a text that only the paid answer holds")
    .option("--sibling <path>", "the path of another paid route, for payments at the wrong one")
    .option("--also-url <url>", "another address of the same server: a second instance, the origin")
    .option("--other-body <text>", "a body that costs more than the one of -d")
    .option("--catalog <file>", "what a catalog lists: the JSON of a discovery answer")
    .option("--openapi <file or URL>", "test every paid operation of this document, at <url>")
    .option(
      "--serve <command>",
      "rings 2 and 3: start the server so, with the settings in its environment",
    )
    .option(
      "--settings",
      "rings 2 and 3: print what the server must be told, as NAME=value, and end",
    )
    .option("--facilitator-port <port>", "rings 2 and 3: where its own facilitator listens", "4402")
    .option("--rpc-port <port>", "rings 2 and 3: where its own chain listens", "4403")
    .option("--witness-port <port>", "ring 3: where the witness of the paid work listens", "4404")
    .option("--chaos <seed>", "ring 3: draws its random faults; default: --seed")
    .option(
      "--key-env <name>",
      "ring 2: pay from the key in this variable, on Base Sepolia; for a client: where it finds its key",
    )
    .option(
      "--rpc <url>",
      "an RPC server of its network: looks at its tokens; with --key-env pays there",
    )
    .option("--max-spend <dollars>", "ring 2: the most it may sign for; needed with --key-env")
    .option("--client <command>", 'test this paying program instead, such as "node pay.js {url}"')
    .option("--agent <command>", "test this agent instead: it is given {goal}")
    .option("--deadline <seconds>", "how long a client may take for a purchase (30; an agent 180)")
    .option(
      "--allow-mainnet",
      "ring 2, with --key-env, --rpc and --max-spend: pay real money, on Base",
    )
    .option("--allow-private", "the target is in a private network, and yours to test")
    .option("--verbose", "a line for every case, not only for findings")
    .option("--json", "print one JSON object, the report")
    .addHelpText(
      "after",
      `
It follows no redirect, and it pays nothing before ring 2: ring 1 signs with a new key that holds nothing. Rings 2 and 3 bring a chain and
a facilitator of their own, with play money, and say how to point the server at them. Ring 3 also makes that facilitator fail, and counts the
work that the server does, where its handler calls WITNESS_URL. Targets on this machine need no flag. With --key-env ring 2 pays from a key
of yours on Base Sepolia; real money on Base is refused unless --allow-mainnet stands beside --key-env, --rpc and --max-spend.

  purser check http://127.0.0.1:4021/weather --ring 3 --serve "node server.js"

--client and --agent run a program, without a shell, once for each trap, against hostile shops on this machine. {url}, {max}, {payTo}, {rpc},
{network}, {asset}, {purchase} and {goal} stand in the command, and as PURSER_CHECK_URL and so on in its environment; the key, with play
money, is in PRIVATE_KEY or the variable of --key-env. It ends with 0 when it got what it paid for.

Exit codes: 0 nothing failed, 1 something failed, 2 it could not be judged or the command line is wrong, 3 the tester failed.`,
    )
    .action(async (url: string | undefined, options: CheckFlags) => {
      const subject = readSubject(url, options);
      const test = async () => {
        if ("command" in subject) {
          const { checkClientCommand } = await import("./check-client.ts");
          return await checkClientCommand(subject, options, surroundings);
        }
        const { checkCommand } = await import("./check.ts");
        return await checkCommand(subject.url, options, surroundings);
      };
      end(await test().catch((error: unknown) => throwToolError(error, surroundings)));
    });
  check
    .command("list")
    .description("Every case, with its level, ring and profiles.")
    .option("--ring <n>", "only the cases of this ring")
    .option("--profile <list>", "only those for these: x402-v2, x402-v1, mpp")
    .option("--left-out", "the cases that are not there, and why")
    .option("--json", "print one JSON array")
    .action(async (options: ListFlags) => {
      const { listCommand } = await import("./check-catalog.ts");
      end(listCommand(options, surroundings));
    });
  check
    .command("explain")
    .description("What a case looks for, where that is written, and how to mend it.")
    .argument("<id>", "such as CHAL-18")
    .option("--json", "print one JSON object")
    .action(async (id: string) => {
      const { explainCommand } = await import("./check-catalog.ts");
      end(explainCommand(id, surroundings));
    });
  check
    .command("diff")
    .description(
      "What changed between two JSON reports. Exit code 1 where something got worse, 2 where something is no longer judged.",
    )
    .argument("<before>", "a report.json")
    .argument("<after>", "a later one")
    .option("--json", "print one JSON object")
    .action(async (before: string, after: string) => {
      const { diffCommand } = await import("./check-catalog.ts");
      end(diffCommand(before, after, surroundings));
    });
}

/** Exit code 1 is for what was found: what kept the test from being made is the tester's (3), or the command line's (2). */
function throwToolError(error: unknown, { signal }: Surroundings): never {
  if (signal.aborted || endedBy(error).code !== EXIT.notPassed) throw error;
  throw new ToolError("The test could not be made.", { cause: error });
}

type Subject =
  | { readonly url: string }
  | { readonly mode: "client" | "agent"; readonly command: string };

/** What is tested: exactly one thing. */
function readSubject(url: string | undefined, { client, agent }: CheckFlags): Subject {
  const given: Subject[] = [
    ...(url === undefined ? [] : [{ url }]),
    ...(client === undefined ? [] : [{ mode: "client" as const, command: client }]),
    ...(agent === undefined ? [] : [{ mode: "agent" as const, command: agent }]),
  ];
  const [only] = given;
  if (only && given.length === 1) return only;
  throw new UsageError("USAGE", {
    problem: only ? "There is more than one thing to test." : "There is nothing to test.",
    nextStep: 'Give a URL, or --client "<command>", or --agent "<command>".',
  });
}
