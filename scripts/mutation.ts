/**
 * `npm run mutation`: how many small changes to the wallet, its signer and ledger, the policy and the parsers of strangers' input go unseen by their tests
 * (Stryker). It takes a file at a time, prints each one's score and what survived, and exits with 1 where a part is below 90 %. A mutant that
 * was given up after a time counts as seen, as it does for Stryker, and is listed beside: on a machine that is busy otherwise most of
 * them are only late, and the score means nothing.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { alignTable } from "../cli/table.ts";

const MIDDLEWARE = "test/middleware";
const POLICY = [`${MIDDLEWARE}/check-offer.test.ts`, `${MIDDLEWARE}/permit.test.ts`];
/** Without those that need a chain: a mutant is tried in a tenth of the time. */
const FETCH_POLICY = ["permit", "policy-text"].map((name) => `${MIDDLEWARE}/${name}.test.ts`);
/** All on a chain that says what a test wants; those on a real one are slow, and see no change that these do not. */
const WALLET = [
  "authorizing",
  "sign-entry",
  "settlement-proof",
  "payment-window",
  "wallet-claims",
  "asked-of-signer",
  "counter-mark",
  "recover-entries",
].map((name) => `${MIDDLEWARE}/${name}.test.ts`);

const SIGNER = ["counter-file", "counter-race", "signer-rules"].map(
  (name) => `${MIDDLEWARE}/${name}.test.ts`,
);

const LEDGER = ["ledger-contract", "ledger-kept"].map((name) => `test/store/${name}.test.ts`);

/** What is changed, one file at a time, and the tests that ought to notice. */
const PARTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  parsers: {
    "protocol/money.ts": ["test/protocol/money.test.ts"],
    "protocol/authorization.ts": [
      "test/protocol/authorization.test.ts",
      "test/protocol/golden-vectors.test.ts",
    ],
    "protocol/offer.ts": ["test/protocol/offer.test.ts"],
    "protocol/mpp.ts": ["test/protocol/mpp.test.ts"],
  },
  policy: {
    "middleware/check-offer.ts": POLICY,
    "middleware/choose-offer.ts": POLICY,
    "middleware/fetch/permit.ts": FETCH_POLICY,
    "middleware/fetch/spending-policy.ts": FETCH_POLICY,
    "middleware/fetch/address-guard.ts": [`${MIDDLEWARE}/address-guard.test.ts`],
  },
  wallet: {
    "middleware/wallet.ts": WALLET,
    "middleware/sign-entry.ts": WALLET,
    "middleware/payment-window.ts": WALLET,
    "middleware/settlement-proof.ts": WALLET,
    "middleware/wallet-entries.ts": WALLET,
    "middleware/recover-entries.ts": WALLET,
  },
  /** What it refuses by itself, and counts. */
  signer: {
    "middleware/signer/counter.ts": SIGNER,
    "middleware/signer/counter-file.ts": SIGNER,
    "middleware/signer/counted-signer.ts": SIGNER,
    "middleware/signer/signer-rules.ts": SIGNER,
  },
  /** The book that the wallet's limits hold in, on SQLite. */
  ledger: {
    "store/ledger-scopes.ts": LEDGER,
    "store/ledger-rate.ts": LEDGER,
    "store/ledger-states.ts": LEDGER,
    "store/ledger-commands.ts": LEDGER,
  },
};

const LEAST = 90;
const REPORT = ".stryker/report.json";
const HELP = `npm run mutation -- [part …] [--file PATH] [--json] [--help]

Parts: ${Object.keys(PARTS).join(", ")} (all of them where none is named). With --file, only that one of a part.
`;

interface Mutant {
  readonly status: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
}
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { file: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean" } },
});
const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
if (values.help === true) {
  process.stdout.write(HELP);
} else if (unknown.length > 0) {
  process.stderr.write(`There is no part ${unknown.join(", ")}.\n\n${HELP}`);
  process.exitCode = 2;
} else {
  const lines: Line[] = [];
  const chosen = names.flatMap((part) =>
    Object.entries(PARTS[part] ?? {}).map(([file, tests]) => ({ part, file, tests })),
  );
  for (const { part, file, tests } of chosen) {
    if (values.file !== undefined && values.file !== file) continue;
    await runStryker(file, tests);
    const report = JSON.parse(readFileSync(REPORT, "utf8")) as Report;
    const mutants = report.files[file]?.mutants ?? [];
    const killed = mutants.filter(({ status }) => ["Killed", "Timeout"].includes(status));
    const survived = mutants.filter(({ status }) => ["Survived", "NoCoverage"].includes(status));
    for (const { location, mutatorName, replacement = "" } of survived) {
      const { line, column } = location.start;
      const change = replacement.replace(/\s+/g, " ").slice(0, 70);
      process.stderr.write(`survived ${file}:${line}:${column} ${mutatorName} ${change}\n`);
    }
    const late = mutants.filter(({ status }) => status === "Timeout").length;
    lines.push({ part, file, killed: killed.length, survived: survived.length, late });
    process.stderr.write(`${file}: ${score(lines.at(-1)!).toFixed(1)} %\n`);
  }
  const sums = names.map((part) => sum(part, lines));
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ files: lines, parts: sums }, undefined, 2)}\n`);
  } else {
    const rows = [...lines, ...sums].map(({ part, file, killed, survived, late }) => [
      part,
      file,
      `${killed} of ${killed + survived}`,
      `${late}`,
      `${score({ killed, survived }).toFixed(1)} %`,
    ]);
    process.stdout.write(
      `${alignTable([["part", "file", "seen", "by time", "score"], ...rows]).join("\n")}\n`,
    );
  }
  process.exitCode = sums.every((part) => score(part) >= LEAST) ? 0 : 1;
}

interface Line {
  readonly part: string;
  readonly file: string;
  readonly killed: number;
  readonly survived: number;
  /** Of the killed, those that were given up after a time. */
  readonly late: number;
}

function sum(part: string, lines: readonly Line[]): Line {
  const own = lines.filter((line) => line.part === part);
  const add = (key: "killed" | "survived" | "late") =>
    own.reduce((total, line) => total + line[key], 0);
  const file = "all of it";
  return { part, file, killed: add("killed"), survived: add("survived"), late: add("late") };
}

function score({ killed, survived }: Pick<Line, "killed" | "survived">): number {
  return killed + survived === 0 ? 100 : (100 * killed) / (killed + survived);
}

function runStryker(file: string, tests: readonly string[]): Promise<void> {
  const missing = tests.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`There is no ${missing.join(", ")}`);
  const env = { ...process.env, MUTATION_TESTS: tests.join(" ") };
  const child = spawn("stryker", ["run", "--mutate", file], { env, stdio: ["ignore", 2, 2] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`Stryker ended with ${code}`));
    });
  });
}
