/** The commands that make a project, say what there is, and what can be had. */
import { type CommandLine, PAID, runs, TERMS, unbuilt } from "./command-line.ts";

export const BEGINNING: readonly CommandLine[] = [
  {
    name: "init",
    description: "Make a project with the orchestrator, and its files in this folder.",
    args: [["[name]", "what it is called (default: the folder's name)"]],
    options: [
      ["--project <id>", "use a project that exists, as `purser list` shows it"],
      ["--from <url>", "then add the services of a shared stack, such as …/v1:neon~postgres"],
      ["--preflight", "only say what would stand in the way"],
      ["--skip-skills", "write nothing for agents"],
      ["--stripe-shim", "write a `stripe` command for this project to .projects/bin"],
      ["--env-sync", "let `add` and `rotate` write the output file by themselves"],
      TERMS,
      PAID,
    ],
    withoutEffect: ["--skip-install", "--mode <mode>", "--template <template>"],
    run: runs("init", async (command, [name]) =>
      (await import("../project/init.ts")).init(command, name),
    ),
  },
  {
    name: "pull",
    description: "Set up a project that exists in this folder, and write its variables.",
    args: [["<project>", "its id, as `purser list` shows it"]],
    options: [
      ["--skip-skills", "write nothing for agents"],
      ["--env-sync", "let `add` and `rotate` write the output file by themselves"],
    ],
    run: runs("pull", async (command, [project = ""]) =>
      (await import("../project/pull.ts")).pull(command, project),
    ),
  },
  {
    name: "list",
    description: "Your projects.",
    run: runs("list", async (command) => (await import("../project/status.ts")).list(command)),
  },
  {
    name: "catalog",
    description: "What can be added, with prices.",
    args: [["[what]", "a provider, or a category such as @database (default: everything)"]],
    withoutEffect: ["--refresh"],
    run: runs("catalog", async (command, [only]) =>
      (await import("../project/catalog.ts")).catalog(command, only),
    ),
  },
  {
    name: "search",
    description: "Find services by words.",
    args: [["<words...>", "such as database"]],
    withoutEffect: ["--refresh"],
    run: runs("search", async (command, [query = ""]) =>
      (await import("../project/catalog.ts")).search(command, query),
    ),
  },
  {
    name: "status",
    description: "The project: providers, services, what was bought and spent.",
    run: runs("status", async (command) => (await import("../project/status.ts")).status(command)),
  },
  {
    name: "llm-context",
    description: "What a model should know of the providers.",
    args: [["[provider]", "such as cloudflare (default: all)"]],
    options: [["--provider <provider>", "the same"]],
    withoutEffect: ["--fetch", "--refresh"],
    run: runs("llm-context", async (command, [provider]) =>
      (await import("../project/llm-context.ts")).llmContext(command, provider),
    ),
  },
  unbuilt(
    "build",
    "There are no starter apps here.",
    "Begin with an app of your own: `init`, then `add` what it needs.",
  ),
  unbuilt(
    "share",
    "A stack has no address here, and the published command is gone.",
    "Commit .projects/state.json; another checkout of the project uses `pull <id>`.",
  ),
  unbuilt(
    "import",
    "It is a part of `init`.",
    "Run `init --from <url>`: it adds what is not there yet.",
  ),
  unbuilt("feedback", "Nobody would hear it.", "Open an issue where you got Purser from."),
];
