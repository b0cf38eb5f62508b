/** The commands that provision resources, and that change and remove them. */
import { type CommandLine, CONFIG, PAID, RESOURCE, runs, TERMS } from "./command-line.ts";

const SERVICES = async () => (await import("../project/status.ts")).services;
const CHANGE = async () => import("../project/change.ts");

const CHANGES = [
  ["update", "Move a resource to another service or configuration.", "any"],
  ["upgrade", "Move a resource to a larger service or configuration.", "up"],
  ["downgrade", "Move a resource to a smaller service or configuration.", "down"],
] as const;

export const RESOURCES: readonly CommandLine[] = [
  {
    name: "add",
    description: "Provision a service; again, it finds what the first time made.",
    args: [["<service>", "provider/service, or a provider or @category to choose from"]],
    options: [
      ["--name <name>", "what it is called here, and its variables begin with"],
      CONFIG,
      ["--provider-config <json>", "settings for a new account at the provider"],
      ["--provider-info <json>", "the same, where a provider asked for it"],
      ["--existing", "take in one that the account has already; --resource-info says which"],
      ["--resource-id <id>", "go on with one that asked for information"],
      ["--resource-info <json>", "what was asked for"],
      ["--force-provider-relink", "link the provider anew first"],
      ["--preflight", "only say what would stand in the way"],
      TERMS,
      PAID,
    ],
    withoutEffect: ["--parent"],
    help: `
Examples:
  purser add cloudflare/workers:free --accept-tos
  purser add cloudflare/kv --name todos --config '{"title":"todos"}' --json --non-interactive`,
    run: runs("add", async (command, [service = ""]) =>
      (await import("../project/add.ts")).add(command, service),
    ),
  },
  {
    name: "services",
    description: "The project's resources, with their ids.",
    run: runs("services", async (command) => (await SERVICES())(command)),
    commands: [
      {
        name: "list",
        description: "The same.",
        run: runs("services list", async (command) => (await SERVICES())(command)),
      },
    ],
  },
  {
    name: "rotate",
    description: "Change a resource's credentials; the old ones stop working.",
    args: [RESOURCE],
    run: runs("rotate", async (command, [wanted = ""]) => (await CHANGE()).rotate(command, wanted)),
  },
  ...CHANGES.map(([name, description, direction]): CommandLine => ({
    name,
    description,
    args: [RESOURCE, ["[service]", "what it becomes (default: the only one it can)"]],
    options: [CONFIG, TERMS, PAID],
    run: runs(name, async (command, [wanted = "", service]) =>
      (await CHANGE()).change(command, direction, { wanted, service }),
    ),
  })),
  {
    name: "renew",
    description: "Pay the next period now, where it could not be paid by itself.",
    args: [RESOURCE],
    options: [PAID],
    run: runs("renew", async (command, [wanted = ""]) =>
      (await import("../project/renew.ts")).renew(command, wanted),
    ),
  },
  {
    name: "remove",
    description: "Have a resource deleted by its provider, or only forget it here.",
    args: [RESOURCE],
    options: [
      ["--only-credentials", "only forget its credentials; `rotate` brings new ones"],
      ["--untrack", "only forget it here: its provider keeps it, and it is paid for no more"],
    ],
    withoutEffect: ["--force"],
    run: runs("remove", async (command, [wanted = ""]) =>
      (await import("../project/remove.ts")).remove(command, wanted),
    ),
  },
];
