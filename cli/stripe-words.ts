/** What a `stripe` command line means to Purser: one of our commands, or a text and an exit code. */

export type Meaning = { argv: string[] } | { text: string; code: 0 | 2 };

/** Whose command line and plugin this answers for; a skill asks for at least these. */
const STANDS_FOR = { cli: "1.51.0", plugin: "0.45.0" };

/** Published with a value, as `--testmode=false`, and without effect: everything is as it would be under test. */
const WITHOUT_EFFECT = /^--(testmode|debug|stream|quiet|interactive)=/;

const RENAMED: Readonly<Record<string, readonly string[]>> = { show: ["status"] };

export function translate(argv: readonly string[], version: string): Meaning {
  const words = argv.filter((word) => !WITHOUT_EFFECT.test(word));
  const [first, second, ...rest] = words;
  const ours = `(purser ${version}, in its place)`;
  switch (first) {
    case undefined:
    case "help":
    case "--help":
    case "-h":
      return { text: HELP, code: 0 };
    case "version":
    case "--version":
    case "-v":
      return { text: `stripe version ${STANDS_FOR.cli} ${ours}`, code: 0 };
    case "plugin":
      if (second !== undefined && rest[0] === "projects") {
        return { text: `The projects plugin is part of it ${ours}.`, code: 0 };
      }
      break;
    case "login":
    case "logout":
      return { argv: words };
    case "provision":
      return { argv: ["add", ...words.slice(1)] };
    case "projects":
      if (second === "--version" || second === "version") {
        return { text: `projects version ${STANDS_FOR.plugin} ${ours}`, code: 0 };
      }
      if (second === undefined) return { argv: ["--help"] };
      return { argv: [...(RENAMED[second] ?? [second]), ...rest] };
  }
  return {
    text: `Error this is purser in the place of stripe, and it has no \`stripe ${words.slice(0, 2).join(" ")}\` (NOT_SUPPORTED)\nUse \`stripe projects --help\`, or take .projects/bin off the PATH to reach Stripe's own.`,
    code: 2,
  };
}

const HELP = `Usage: stripe projects <command>, stripe login

This is purser in the place of stripe: projects, login and logout work as published, with whichever orchestrator the project has.
Run \`stripe projects --help\` to see the commands.`;
