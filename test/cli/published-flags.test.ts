/** The commands and flags of `stripe projects` (plugin 0.45.0) are all taken, so that no skill that was written for them ends in a wrong usage. */
import { Command } from "commander";
import { expect, test } from "vitest";
import { addProject } from "../../cli/project-program.ts";

const EVERYWHERE =
  "--json --yes --non-interactive --no-interactive --accept-tos --confirm-paid-service --testmode --debug";

test.each([
  ["init", "--from --preflight --skip-skills --skip-install --mode"],
  ["list", ""],
  ["pull", ""],
  ["status", ""],
  ["services list", ""],
  ["catalog", ""],
  ["search", ""],
  [
    "add",
    "--name --config --provider-config --provider-info --resource-info --resource-id --existing --force-provider-relink --preflight",
  ],
  ["link", ""],
  ["unlink", ""],
  ["open", ""],
  ["update", ""],
  ["upgrade", ""],
  ["downgrade", ""],
  ["rotate", ""],
  ["remove", "--only-credentials --untrack --force"],
  ["env", "--pull --refresh --service --provider"],
  ["env list", ""],
  ["env show", ""],
  ["env create", "--output"],
  ["env use", ""],
  ["env update", ""],
  ["env delete", ""],
  ["env add", ""],
  ["env remove", ""],
  ["variables set", ""],
  ["variables list", ""],
  ["variables delete", ""],
  ["llm-context", "--provider --fetch"],
  ["billing show", ""],
  ["billing add", ""],
  ["billing update", ""],
  ["spend", ""],
  ["switch-account", ""],
])("`%s` takes its published flags", (words, own) => {
  const program = new Command();
  addProject(program, {} as Parameters<typeof addProject>[1], () => {});
  const command = words
    .split(" ")
    .reduce<Command | undefined>(
      (above, word) => above?.commands.find((one) => one.name() === word),
      program,
    );
  const taken = command?.options.map(({ long }) => long);
  expect(taken).toEqual(expect.arrayContaining(`${EVERYWHERE} ${own}`.trim().split(" ")));
});
