import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
let work = "";
let files: string[] = [];
let manifest: { dependencies: Record<string, string>; optionalDependencies?: unknown } = {
  dependencies: {},
};

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "purser-pack-"));
  const output = execFileSync(
    "npm",
    ["pack", "--json", "--pack-destination", work, "--loglevel=error"],
    {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const [packed] = Object.values(
    JSON.parse(output.slice(output.search(/^[[{]$/m))) as { filename: string }[],
  );
  execFileSync("tar", ["-xzf", join(work, packed!.filename), "-C", work]);
  files = execFileSync("tar", ["-tzf", join(work, packed!.filename)], { encoding: "utf8" })
    .trim()
    .split("\n");
  manifest = JSON.parse(readFileSync(join(work, "package/package.json"), "utf8"));
}, 120_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** An empty project in which purser and only these packages are installed. */
function installInto(name: string, packages: string[]): string {
  const project = join(work, name);
  mkdirSync(join(project, "node_modules"), { recursive: true });
  execFileSync("cp", ["-r", join(work, "package"), join(project, "node_modules/purser")]);
  for (const dependency of packages) {
    const link = join(project, "node_modules", dependency);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, "node_modules", dependency), link);
  }
  return project;
}

describe("the package, installed elsewhere", () => {
  test("brings no Node binary and no test tools", () => {
    expect(manifest.optionalDependencies).toBeUndefined();
    const names = Object.keys(manifest.dependencies).join(" ");
    expect(names).not.toMatch(
      /node-linux|vitest|fast-check|wrangler|playwright|solc|anvil|miniflare/,
    );
    expect(files.filter((file) => /^package\/(test|scripts|toolchain)\//.test(file))).toEqual([]);
    expect(files.some((file) => file.endsWith(".test.js"))).toBe(false);
  });

  test("carries the scenarios and the token that the local world needs", () => {
    expect(files).toContain("package/scenarios/landing-page.md");
    expect(files.some((file) => /artifacts\/.*\.json$/.test(file))).toBe(true);
  });

  test("lets its middleware be imported with viem and zod alone", () => {
    const project = installInto("buyer", ["viem", "zod"]);
    const code =
      'const { Wallet, payCall } = await import("purser/middleware"); console.log(typeof Wallet, typeof payCall)';
    const result = spawnSync("node", ["--input-type=module", "-e", code], {
      cwd: project,
      encoding: "utf8",
    });
    expect(result.stderr).toBe("");
    expect(result.stdout.trim()).toBe("function function");
  });

  test("takes every option that the GitHub Action gives it", () => {
    const project = installInto("job", Object.keys(manifest.dependencies));
    const action = join(root, ".github/actions/check");
    const npx = `#!/usr/bin/env bash
while [ "$1" != "--" ]; do shift; done
shift 2
exec node node_modules/purser/dist/cli/main.js "$@"
`;
    writeFileSync(join(project, "npx"), npx, { mode: 0o755 });
    writeFileSync(join(project, "known.yml"), "expected-failures:\n  - HTTP-01\n");
    const result = spawnSync("bash", [join(action, "check.sh")], {
      cwd: project,
      encoding: "utf8",
      env: {
        ...process.env,
        PATH: `${project}:${process.env["PATH"]}`,
        GITHUB_OUTPUT: join(project, "output"),
        GITHUB_STEP_SUMMARY: join(project, "summary"),
        PURSER_PACKAGE: "./purser.tgz",
        PURSER_URL: "http://127.0.0.1:9/paid",
        PURSER_RING: "1",
        PURSER_PROFILE: "auto",
        PURSER_OPENAPI: "",
        PURSER_BASELINE: "known.yml",
        PURSER_STRICT: "true",
        PURSER_ARGUMENTS: "--sibling\n/other",
        PURSER_OUT: "purser-check",
      },
    });
    expect(result.stderr + result.stdout).toContain("CHECK_TARGET_UNREACHABLE");
    expect(result.status).toBe(2);
    expect(readFileSync(join(project, "output"), "utf8")).toBe("outcome=incomplete\n");
  });

  test("answers --help, and says what to install where a heavy part is absent", () => {
    const project = installInto("person", Object.keys(manifest.dependencies));
    const purser = (...args: string[]) =>
      spawnSync("node", ["node_modules/purser/dist/cli/main.js", ...args], {
        cwd: project,
        encoding: "utf8",
      });
    const help = purser("--help");
    expect(help.stdout).toContain("purser run");
    expect(help.status).toBe(0);
    const up = purser("up", "--json", "--out", join(project, "world"));
    expect(up.status).toBe(3);
    expect(JSON.parse(up.stdout)).toMatchObject({
      error: { nextStep: expect.stringContaining("npm install @foundry-rs/anvil") },
    });
  });
});
