/** `purser scenario lint` and `purser scenario new`: for people who write scenarios. */
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  checkScenario,
  chooseWorkspace,
  FilesError,
  SCENARIO_TEMPLATE,
  ScenarioError,
  type ScenarioProblem,
} from "../scenarios/index.ts";
import { EXIT, type ExitCode, UsageError } from "./exit.ts";
import type { Surroundings } from "./surroundings.ts";
import { plain } from "./terminal.ts";

interface Linted {
  file: string;
  problems: ScenarioProblem[];
}

export async function lintCommand(
  files: readonly string[],
  { terminal, json, cwd }: Surroundings,
): Promise<ExitCode> {
  const results = await Promise.all(files.map((file) => lint(file, cwd)));
  const passed = results.every(({ problems }) => problems.length === 0);
  if (json) {
    terminal.out(JSON.stringify({ passed, files: results }, undefined, 2));
    return passed ? EXIT.passed : EXIT.usage;
  }
  const { paint } = terminal;
  for (const { file, problems } of results) {
    if (problems.length === 0) terminal.out(`${paint.good("✓")} ${file}`);
    for (const { line, message } of problems) {
      terminal.out(`${paint.bad("×")} ${file}:${line}: ${plain(message, 1000)}`);
    }
  }
  return passed ? EXIT.passed : EXIT.usage;
}

async function lint(file: string, cwd: string): Promise<Linted> {
  try {
    const text = await readFile(resolve(cwd, file), "utf8");
    const { scenario, problems } = checkScenario(text, { path: resolve(cwd, file) });
    if (scenario) chooseWorkspace(scenario);
    return { file, problems };
  } catch (error) {
    if (error instanceof FilesError) {
      return { file, problems: [{ field: "world.files", line: 1, message: error.problem }] };
    }
    const why = (error as NodeJS.ErrnoException).code ?? "unknown";
    return {
      file,
      problems: [{ field: "", line: 1, message: `The file cannot be read (${why}).` }],
    };
  }
}

export async function newCommand(
  name: string,
  { terminal, json, cwd }: Surroundings,
): Promise<ExitCode> {
  const bare = name.replace(/\.md$/, "");
  if (!/^[a-z0-9][a-z0-9-]{0,59}$/.test(bare)) {
    throw new UsageError("USAGE", {
      problem: `"${plain(name, 80)}" is not a scenario's name.`,
      nextStep: "Use lower-case letters, digits and dashes, such as my-first-page.",
    });
  }
  const file = `${bare}.md`;
  try {
    await writeFile(resolve(cwd, file), SCENARIO_TEMPLATE, { flag: "wx" });
  } catch (cause) {
    throw new ScenarioError("SCENARIO_EXISTS", {
      problem: `${file} cannot be made (${(cause as NodeJS.ErrnoException).code ?? "unknown"}).`,
      nextStep: "Choose another name, or remove the file that is there.",
      cause,
    });
  }
  if (json) terminal.out(JSON.stringify({ passed: true, file }, undefined, 2));
  else
    terminal.out(
      `Made ${file}. Check it with \`purser scenario lint ${file}\`, run it with \`purser run ${file}\`.`,
    );
  return EXIT.passed;
}
