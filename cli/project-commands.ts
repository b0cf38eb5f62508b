/** Every project command: its words, its options, and the code that is loaded when it is called. */
import type { ExitCode } from "./exit.ts";
import type { Answer } from "./project/envelope.ts";
import type { ProjectCommand, ProjectFlags } from "./project/project-command.ts";
import type { Surroundings } from "./surroundings.ts";

type Pair = readonly [flags: string, description: string];

export interface CommandLine {
  name: string;
  description: string;
  args?: readonly Pair[];
  options?: readonly Pair[];
  help?: string;
  commands?: readonly CommandLine[];
  /** A published word that is not built: it takes any arguments, and is in no help. */
  hidden?: boolean;
  run: (
    words: readonly (string | undefined)[],
    flags: ProjectFlags,
    surroundings: Surroundings,
  ) => Promise<ExitCode>;
}

type Work = (command: ProjectCommand, words: readonly (string | undefined)[]) => Promise<Answer>;

/** The code that all of them share is loaded with the first one that runs. */
function runs(name: string, work: Work): CommandLine["run"] {
  return async (words, flags, surroundings) => {
    const { runProjectCommand } = await import("./project/project-command.ts");
    return runProjectCommand(name, flags, surroundings, (command) => work(command, words));
  };
}

const TERMS: Pair = ["--accept-tos", "the person has accepted the provider's terms"];
const PAID: Pair = ["--confirm-paid-service", "the person has agreed to the price"];
const CONFIG: Pair = ["--config <json>", 'its configuration, such as \'{"title":"todos"}\''];
const RESOURCE: Pair = ["<resource>", "its id, or the name that `services list` shows"];

/** Published words that have no meaning here yet, each with what to do instead. */
function unbuilt(parent: string, names: readonly string[], nextStep: string): CommandLine[] {
  return names.map((name) => ({
    name,
    description: "Not built.",
    hidden: true,
    run: runs(parent + name, async () =>
      (await import("./project/unbuilt.ts")).refuseUnbuilt(parent + name, nextStep),
    ),
  }));
}

export const PROJECT_COMMANDS: readonly CommandLine[] = [
  {
    name: "init",
    description: "Make a project with the orchestrator, and its files in this folder.",
    args: [["[name]", "what it is called (default: the folder's name)"]],
    options: [
      ["--project <id>", "use a project that exists, as `purser list` shows it"],
      ["--preflight", "only say what would stand in the way"],
      ["--skip-skills", "write nothing for agents"],
      ["--stripe-shim", "write a `stripe` command for this project to .projects/bin"],
      ["--env-sync", "let `add` and `rotate` write the output file by themselves"],
      TERMS,
    ],
    run: runs("init", async (command, [name]) =>
      (await import("./project/init.ts")).init(command, name),
    ),
  },
  {
    name: "list",
    description: "Your projects.",
    run: runs("list", async (command) => (await import("./project/status.ts")).list(command)),
  },
  {
    name: "catalog",
    description: "What can be added, with prices.",
    args: [["[what]", "a provider, or a category such as @database (default: everything)"]],
    run: runs("catalog", async (command, [only]) =>
      (await import("./project/catalog.ts")).catalog(command, only),
    ),
  },
  {
    name: "search",
    description: "Find services by a word.",
    args: [["<words>", "such as database"]],
    run: runs("search", async (command, [query = ""]) =>
      (await import("./project/catalog.ts")).search(command, query),
    ),
  },
  {
    name: "add",
    description: "Provision a service; again, it finds what the first time made.",
    args: [["<service>", "provider/service, as the catalog names it"]],
    options: [
      ["--name <name>", "what it is called here, and its variables begin with"],
      CONFIG,
      ["--provider-config <json>", "settings for the account at the provider"],
      ["--provider-info <json>", "the same, where a provider asked for it"],
      ["--existing", "take in one that the account has already; --resource-info says which"],
      ["--resource-id <id>", "go on with one that asked for information"],
      ["--resource-info <json>", "what was asked for"],
      ["--force-provider-relink", "link the provider anew first"],
      ["--preflight", "only say what would stand in the way"],
      TERMS,
      PAID,
    ],
    help: `
Examples:
  purser add cloudflare/workers:free --accept-tos
  purser add cloudflare/kv --name todos --config '{"title":"todos"}' --json --non-interactive`,
    run: runs("add", async (command, [service = ""]) =>
      (await import("./project/add.ts")).add(command, service),
    ),
  },
  {
    name: "status",
    description: "The project: providers, services, what was bought and spent.",
    run: runs("status", async (command) => (await import("./project/status.ts")).status(command)),
  },
  {
    name: "services",
    description: "The project's resources, with their ids.",
    run: runs("services", async (command) =>
      (await import("./project/status.ts")).services(command),
    ),
    commands: [
      {
        name: "list",
        description: "The same.",
        run: runs("services list", async (command) =>
          (await import("./project/status.ts")).services(command),
        ),
      },
    ],
  },
  {
    name: "env",
    description: "The names of the project's variables; their values only where you ask.",
    options: [
      ["--pull", "write the values to the output file (.env)"],
      ["--refresh", "the same"],
      ["--reveal", "print the values"],
      ["--service <service>", "only of this service"],
      ["--provider <provider>", "only of this provider"],
    ],
    run: runs("env", async (command) => (await import("./project/env.ts")).env(command)),
    commands: [
      ...(["list", "show"] as const).map((what) => ({
        name: what,
        description: "The project's one environment and its output file.",
        run: runs(`env ${what}`, async (command) =>
          (await import("./project/env.ts")).environments(command, what),
        ),
      })),
      ...unbuilt(
        "env ",
        ["create", "use", "update", "delete", "add", "remove"],
        "A project has one environment: use a project of its own for each, by init in another folder.",
      ),
    ],
  },
  {
    name: "rotate",
    description: "Change a resource's credentials; the old ones stop working.",
    args: [RESOURCE],
    run: runs("rotate", async (command, [wanted = ""]) =>
      (await import("./project/change.ts")).rotate(command, wanted),
    ),
  },
  ...(["up", "down"] as const).map((direction): CommandLine => ({
    name: `${direction}grade`,
    description: `Move a resource to a ${direction === "up" ? "larger" : "smaller"} service or configuration.`,
    args: [RESOURCE, ["[service]", "what it becomes (default: the only one it can)"]],
    options: [CONFIG, TERMS, PAID],
    run: runs(`${direction}grade`, async (command, [wanted = "", service]) =>
      (await import("./project/change.ts")).change(command, direction, { wanted, service }),
    ),
  })),
  {
    name: "remove",
    description: "Have a resource deleted by its provider.",
    args: [RESOURCE],
    run: runs("remove", async (command, [wanted = ""]) =>
      (await import("./project/change.ts")).remove(command, wanted),
    ),
  },
  {
    name: "link",
    description: "Open or link the account at a provider.",
    args: [["<provider>", "such as cloudflare"]],
    options: [["--force", "anew, whatever there is"], TERMS],
    run: runs("link", async (command, [provider = ""]) =>
      (await import("./project/link.ts")).link(command, provider),
    ),
  },
  {
    name: "unlink",
    description: "Give up the account's link; its tokens are revoked.",
    args: [["<provider>", "such as cloudflare"]],
    run: runs("unlink", async (command, [provider = ""]) =>
      (await import("./project/link.ts")).unlink(command, provider),
    ),
  },
  {
    name: "open",
    description: "The provider's dashboard, already signed in: an address that works once.",
    args: [["<provider>", "such as cloudflare"]],
    run: runs("open", async (command, [provider = ""]) =>
      (await import("./project/link.ts")).open(command, provider),
    ),
  },
  {
    name: "llm-context",
    description: "What a model should know of the providers.",
    args: [["[provider]", "such as cloudflare (default: all)"]],
    options: [["--provider <provider>", "the same"]],
    run: runs("llm-context", async (command, [provider]) =>
      (await import("./project/llm-context.ts")).llmContext(command, provider),
    ),
  },
  {
    name: "login",
    description: "Sign in with an orchestrator; a local world's person is signed in already.",
    options: [
      [
        "--complete-device",
        "go on with the sign-in that was begun, after the person has consented",
      ],
      ["--new-session", "sign in anew, even where there is a session"],
    ],
    run: runs("login", async (command) => (await import("./project/login.ts")).login(command)),
  },
  {
    name: "logout",
    description: "End the session with an orchestrator.",
    run: runs("logout", async (command) => (await import("./project/login.ts")).logout(command)),
  },
  ...unbuilt("", ["spend", "billing"], "`status` has what was spent, what is left, and what pays."),
  ...unbuilt("", ["pull"], "Use `init --project <id>` in a folder of its own."),
  ...unbuilt("", ["update"], "Use `upgrade` or `downgrade`."),
  ...unbuilt(
    "",
    ["variables"],
    "Keep variables of your own in the output file: they are never touched.",
  ),
  ...unbuilt("", ["switch-account"], "Use `logout`, then `login`."),
];

export function isProjectCommand(name: string): boolean {
  return PROJECT_COMMANDS.some((command) => command.name === name);
}
