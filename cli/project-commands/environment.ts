/** The commands of the environments and their variables. */
import { type CommandLine, type Pair, runs } from "./command-line.ts";

const ENVIRONMENTS = async () => import("../project/environment-commands.ts");
const MEMBERSHIP = async () => import("../project/membership.ts");
const VARIABLES = async () => import("../project/variables.ts");

const ENVIRONMENT: Pair = ["<environment>", "its name, such as staging"];
const OUTPUT: Pair = ["--output <file>", "the file of its variables, such as .env.staging"];
const MEMBER: Pair = ["<member>", "a resource's id or name, or a variable's name"];
const VARIABLE: Pair = ["<name>", "the variable's name in the project, such as api-url-dev"];
const IS_RESOURCE: Pair = ["--resource", "it is a resource"];
const IS_VARIABLE: Pair = ["--variable", "it is a variable of the project"];
const ENV_KEY: Pair = ["--env-key <key>", "what it is written under, such as API_URL"];

const OF_ENVIRONMENTS: readonly CommandLine[] = [
  {
    name: "list",
    description: "The project's environments; * is the active one.",
    run: runs("env list", async (command) => (await ENVIRONMENTS()).listEnvironments(command)),
  },
  {
    name: "show",
    description: "The active environment: its output file, and what is written to it.",
    run: runs("env show", async (command) => (await ENVIRONMENTS()).showEnvironment(command)),
  },
  {
    name: "create",
    description: "Make an environment, and make it active.",
    args: [ENVIRONMENT],
    options: [OUTPUT],
    run: runs("env create", async (command, [name = ""]) =>
      (await ENVIRONMENTS()).createEnvironment(command, name),
    ),
  },
  {
    name: "use",
    description: "Make an environment active, in this checkout.",
    args: [ENVIRONMENT],
    run: runs("env use", async (command, [name = ""]) =>
      (await ENVIRONMENTS()).useEnvironment(command, name),
    ),
  },
  {
    name: "update",
    description: "Rename the active environment, or give it another output file.",
    options: [["--name <name>", "its new name"], OUTPUT],
    run: runs("env update", async (command) => (await ENVIRONMENTS()).updateEnvironment(command)),
  },
  {
    name: "delete",
    description: "Forget an environment; its resources stay.",
    args: [ENVIRONMENT],
    run: runs("env delete", async (command, [name = ""]) =>
      (await ENVIRONMENTS()).deleteEnvironment(command, name),
    ),
  },
  {
    name: "add",
    description: "Have a resource's variables, or one of the project's own, in the active one.",
    args: [MEMBER],
    options: [IS_RESOURCE, IS_VARIABLE, ENV_KEY],
    run: runs("env add", async (command, [member = ""]) =>
      (await MEMBERSHIP()).addMember(command, member),
    ),
  },
  {
    name: "remove",
    description: "Have them in it no more; the resource or variable stays.",
    args: [MEMBER],
    options: [IS_RESOURCE, IS_VARIABLE],
    run: runs("env remove", async (command, [member = ""]) =>
      (await MEMBERSHIP()).removeMember(command, member),
    ),
  },
];

export const ENVIRONMENT_COMMANDS: readonly CommandLine[] = [
  {
    name: "env",
    description: "The names of the active environment's variables; values only where you ask.",
    options: [
      ["--pull", "write the values to the environment's output file (.env)"],
      ["--refresh", "only read the values into .projects/vault, sealed"],
      ["--reveal", "print the values"],
      ["--service <service>", "only of this service"],
      ["--provider <provider>", "only of this provider"],
    ],
    withoutEffect: ["--combined"],
    run: runs("env", async (command) => (await import("../project/env.ts")).env(command)),
    commands: OF_ENVIRONMENTS,
  },
  {
    name: "variables",
    description: "The project's own variables, without their values.",
    run: runs("variables", async (command) => (await VARIABLES()).listVariables(command)),
    commands: [
      {
        name: "list",
        description: "The same.",
        run: runs("variables list", async (command) => (await VARIABLES()).listVariables(command)),
      },
      {
        name: "set",
        description: "Keep a variable, and have it in the active environment.",
        args: [VARIABLE],
        options: [ENV_KEY, ["--value <value>", "its value; - reads it from stdin"]],
        run: runs("variables set", async (command, [name = ""]) =>
          (await VARIABLES()).setVariable(command, name),
        ),
      },
      {
        name: "delete",
        description: "Delete a variable, and take it out of every environment.",
        args: [VARIABLE],
        run: runs("variables delete", async (command, [name = ""]) =>
          (await VARIABLES()).deleteVariable(command, name),
        ),
      },
    ],
  },
];
