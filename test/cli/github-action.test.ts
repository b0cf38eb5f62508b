/** The GitHub Action: its description is well-formed, and its script, run as a job would, ends, summarizes and reports as it says. */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { openEndpoint, type Endpoint } from "../conformance/endpoint.ts";
import { temporaryFolder } from "../support/temporary.ts";

const FOLDER = join(import.meta.dirname, "../../.github/actions/check");
const Action = z.strictObject({
  name: z.string(),
  description: z.string().max(125),
  inputs: z.record(
    z.string(),
    z.strictObject({
      description: z.string(),
      required: z.literal(true).optional(),
      default: z.string().optional(),
    }),
  ),
  outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string() })),
  runs: z.strictObject({
    using: z.literal("composite"),
    steps: z.array(
      z.union([
        z.strictObject({ uses: z.string(), with: z.record(z.string(), z.string()) }),
        z.strictObject({
          id: z.string(),
          shell: z.string(),
          env: z.record(z.string(), z.string()),
          run: z.string(),
        }),
      ]),
    ),
  }),
});
const ANVIL = "@foundry-rs/anvil";
const { peerDependencies } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
) as { peerDependencies: Record<string, string> };
const action = Action.parse(parse(readFileSync(join(FOLDER, "action.yml"), "utf8")));
const step = action.runs.steps.find((one) => "run" in one)!;

interface Parsed {
  context: { errors: { getErrors(): { message: string }[] } };
}

/** GitHub's own reader of actions. It imports its schema in a way that Node does not take, so it is bundled. */
async function readerOfGitHub() {
  using folder = temporaryFolder();
  const outfile = join(folder.path, "reader.cjs");
  await build({
    stdin: {
      contents: 'export { parseAction } from "@actions/workflow-parser/actions/action-parser"',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: "cjs",
    platform: "node",
    outfile,
  });
  const { parseAction } = createRequire(import.meta.url)(outfile) as {
    parseAction: (file: { name: string; content: string }, trace: object) => Parsed;
  };
  const nothing = () => undefined;
  const trace = { verbose: nothing, info: nothing, error: nothing };
  return (content: string) =>
    parseAction({ name: "action.yml", content }, trace)
      .context.errors.getErrors()
      .map(({ message }) => message);
}

test("is an action as GitHub reads one, which notices what is none", async () => {
  const problemsOf = await readerOfGitHub();
  const text = readFileSync(join(FOLDER, "action.yml"), "utf8");
  expect(problemsOf(text)).toEqual([]);
  for (const [word, wrong] of [
    ["using: composite", "using: compost"],
    ["shell: bash", "shel: bash"],
    ["${{ inputs.ring }}", "${{ inputs.ring"],
  ] as const) {
    expect(text).toContain(word);
    expect(problemsOf(text.replace(word, () => wrong)), wrong).not.toEqual([]);
  }
});

test("every input reaches the script by the environment, and none by its text", () => {
  const given = Object.values(step.env).map(
    (text) => /^\$\{\{ inputs\.(\w+) \}\}$/.exec(text)?.[1],
  );
  expect(new Set(given)).toEqual(new Set(Object.keys(action.inputs)));
  expect(step.run).not.toContain("${{");
  const script = readFileSync(join(FOLDER, "check.sh"), "utf8");
  for (const name of Object.keys(step.env)) expect(script).toContain(`$${name}`);
});

describe("its script", () => {
  let wrong: Endpoint;
  beforeAll(async () => {
    wrong = await openEndpoint("x402-v2", (_, { method }) =>
      method === "HEAD" ? { status: 200, headers: {}, body: "" } : undefined,
    );
  });
  afterAll(() => wrong[Symbol.asyncDispose]());

  /** As a runner does, with an `npx` that runs this checkout and not a package. */
  async function runStep(
    inputs: Readonly<Record<string, string>>,
    files: Readonly<Record<string, string>> = {},
  ) {
    const folder = temporaryFolder();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true });
      writeFileSync(join(folder.path, name), text);
    }
    const npx = join(folder.path, "npx");
    const main = join(import.meta.dirname, "../../cli/main.ts");
    writeFileSync(
      npx,
      `#!/usr/bin/env bash
while [ "$1" != "--" ]; do echo "$1" >>packages; shift; done
[ "$2" = "purser" ] || exit 9
shift 2
exec "${process.execPath}" "${main}" "$@"
`,
    );
    chmodSync(npx, 0o755);
    const env: Record<string, string> = {
      PATH: `${folder.path}:${process.env["PATH"]}`,
      GITHUB_ACTION_PATH: FOLDER,
      GITHUB_OUTPUT: join(folder.path, "output"),
      GITHUB_STEP_SUMMARY: join(folder.path, "summary"),
    };
    for (const [name, text] of Object.entries(step.env)) {
      const input = /inputs\.(\w+)/.exec(text)?.[1] ?? "";
      env[name] = inputs[input] ?? action.inputs[input]?.default ?? "";
    }
    const { promise, resolve } = Promise.withResolvers<number>();
    const child = execFile("bash", ["-c", step.run], { env, cwd: folder.path }, () => undefined);
    child.on("close", (code) => resolve(code ?? -1));
    const code = await promise;
    const read = (name: string) => {
      const path = join(folder.path, name);
      return existsSync(path) ? readFileSync(path, "utf8") : "";
    };
    return { code, read, [Symbol.dispose]: () => folder[Symbol.dispose]() };
  }
  const common = { package: "./purser.tgz", ring: "0", arguments: "--only\nCHAL-01,HTTP-01" };

  test("fails on a finding, and writes summary, SARIF and outputs", async () => {
    using run = await runStep({ ...common, url: wrong.url });
    expect(run.code).toBe(1);
    expect(run.read("summary")).toContain("HTTP-01");
    expect(run.read("output")).toBe("outcome=failed\nsarif=purser-check/report.sarif\n");
    expect(run.read("purser-check/report.sarif")).toContain('"ruleId": "HTTP-01"');
  });

  test("brings the chain of the rings that pay, in the version that we test with", async () => {
    using looks = await runStep({ ...common, url: wrong.url, arguments: "--nonsense" });
    expect(looks.read("packages").split("\n")).toEqual(["--yes", "--package", "./purser.tgz", ""]);
    using pays = await runStep({ ...common, url: wrong.url, ring: "2", arguments: "--nonsense" });
    expect(pays.read("packages")).toContain(`@foundry-rs/anvil@${peerDependencies[ANVIL]}\n`);
  });

  test("tells nothing of an earlier step's report where it could not test", async () => {
    using run = await runStep(
      { ...common, url: wrong.url, arguments: "--nonsense" },
      { "purser-check/report.md": "an earlier one", "purser-check/report.sarif": "{}" },
    );
    expect(run.read("summary")).toBe("");
    expect(run.read("output")).toBe("outcome=incomplete\n");
  });

  test("runs nothing that stands in an input", async () => {
    using run = await runStep({
      ...common,
      url: `${wrong.url}/$(touch hacked)`,
      out: "a; touch hacked",
    });
    expect(run.code).toBe(2);
    expect(run.read("output")).toContain("outcome=incomplete");
    expect(run.read("hacked")).toBe("");
  });
});
