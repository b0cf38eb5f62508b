/**
 * `npm run kill`: kills processes that share one wallet, four at a time, until a thousand are dead, and compares chain, ledger and
 * sellers after every round. Exit code 0 where everything agrees, 1 with the evidence where not, 2 for arguments it does not know.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { CRASH_POINTS } from "../test/middleware/kill/crash-points.ts";
import { runKills } from "../test/middleware/kill/kill-run.ts";

const HELP = `npm run kill -- [options]

Kills processes that pay from one shared wallet, at named crash points and at random moments, while a facilitator really settles
on a local chain; then compares the chain, the ledger and the sellers.

  --kills N        how many (1000)
  --seed N         the sequence of purchases, points and moments; the machine's own timing stays (a new one, printed)
  --postgres URL   keep the ledger on this PostgreSQL instead of in a SQLite file (also: PURSER_TEST_POSTGRES)
  --json           print the report as one JSON object
  --help

Crash points:
${Object.entries(CRASH_POINTS)
  .map(([name, meaning]) => `  ${name}  ${meaning}`)
  .join("\n")}
`;

const { values } = readArguments();
if (values.help === true) {
  process.stdout.write(HELP);
} else {
  const kills = Number(values.kills ?? 1000);
  const seed = Number(values.seed ?? randomInt(2 ** 31));
  if (!(Number.isInteger(kills) && kills > 0 && Number.isInteger(seed))) usage("not a number");
  const postgres = values.postgres ?? process.env["PURSER_TEST_POSTGRES"];
  const begun = performance.now();
  process.stderr.write(`seed ${seed}\n`);
  let told = 0;
  const report = await runKills({
    kills,
    seed,
    postgres: postgres === "" ? undefined : postgres,
    onRound: (done) => {
      const counts = `${done.payments} payments, ${done.settled} settled, ${done.released} released`;
      const found = `${done.violations.length} violations`;
      process.stderr.write(`${done.kills}/${kills} kills: ${counts}, ${found}\n`);
      // Now, so that a run that is broken off has not lost them.
      for (const text of done.violations.slice(told)) process.stderr.write(`VIOLATION ${text}\n`);
      told = done.violations.length;
    },
  });
  const seconds = Math.round((performance.now() - begun) / 1000);
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ ...report, seconds }, undefined, 2)}\n`);
  } else {
    const where = Object.entries(report.at).map(([point, count]) => `${point} ${count}`);
    process.stdout.write(`${report.kills} kills in ${seconds} s: ${where.join(", ")}\n`);
    if (report.violations.length === 0) {
      process.stdout.write("nothing overspent, charged twice, unexplained or left open\n");
    } else {
      process.stdout.write(`again with: npm run kill -- --seed ${seed} --kills ${report.kills}\n`);
    }
  }
  process.exitCode = report.violations.length === 0 ? 0 : 1;
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        kills: { type: "string" },
        seed: { type: "string" },
        postgres: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${HELP}`);
  process.exit(2);
}
