/**
 * `npm run soak`: 50,000 paid requests with random faults at one seller; at the end money is compared to the unit and memory's slope is
 * reported. Exit code 0 where everything agrees, 1 with the evidence where not, 2 for arguments it does not know.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { runSoak } from "../test/middleware/soak/soak-run.ts";

const HELP = `npm run soak -- [options]

Buyers pay a seller (work-first; settle-first with refunds; settle-first with credits; x402 v1, x402 v2, MPP) on a local chain. One payment
in sixteen buys work that fails. Buyers abort, send three copies at once, and send again what was answered; the facilitator errs, hangs,
will not say, or settles and loses the answer; the seller starts again on its database. At the end:
  what each payer lost = what was delivered to them + the credit that they are owed
  the seller's income  = what all payers lost + what was refunded

  --requests N   (50000)
  --buyers N     at once (64)
  --minutes N    begin none after this time, and compare what there is then (no limit)
  --seed N       what is bought and what fails; the machine's own timing stays (a new one, printed)
  --json         print the report as one JSON object
  --help
`;

const { requests, buyers, seed, minutes, json } = readArguments();
process.stderr.write(`seed ${seed}\n`);
const begun = performance.now();
const seconds = () => Math.round((performance.now() - begun) / 1000);
const report = await runSoak({
  requests,
  buyers,
  seed,
  maxSeconds: minutes * 60,
  onProgress: (done) => {
    if (done % 2_000 === 0) process.stderr.write(`${done}/${requests} after ${seconds()} s\n`);
  },
});
const { violations, memory, heapSlope, rssSlope, faults } = report;
if (json) {
  process.stdout.write(
    `${JSON.stringify({ seed, seconds: seconds(), ...report }, undefined, 2)}\n`,
  );
} else {
  const megabytes = (bytes = 0) => `${Math.round(bytes / 1e6)} MB`;
  const [first, last] = [memory[0], memory.at(-1)];
  const failing = Object.entries(faults).map(([fault, count]) => `${fault} ${count}`);
  process.stdout.write(
    [
      `${report.requests} paid requests in ${seconds()} s, ${report.restarts} restarts; facilitator: ${failing.join(", ")}`,
      `delivered ${report.delivered}, failed ${report.failed}, refunded ${report.refunded}, owed as credit ${report.owedAsCredit}`,
      `heap ${megabytes(first?.heap)} to ${megabytes(last?.heap)}, ${heapSlope} bytes a request over the second half`,
      `rss ${megabytes(first?.rss)} to ${megabytes(last?.rss)}, ${rssSlope} bytes a request over the second half`,
      ...violations.map((text) => `VIOLATION ${text}`),
      ...(violations.length === 0 ? ["money conserved to the unit"] : []),
      "",
    ].join("\n"),
  );
}
process.exitCode = violations.length === 0 ? 0 : 1;
// x402-express may still wait, for minutes, for a facilitator that hangs: that holds nobody up here.
setTimeout(() => process.exit(), 1_000).unref();

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        requests: { type: "string", default: "50000" },
        buyers: { type: "string", default: "64" },
        seed: { type: "string", default: String(randomInt(2 ** 31)) },
        minutes: { type: "string", default: "Infinity" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return process.exit(0);
    }
    const [requests, buyers, seed] = [values.requests, values.buyers, values.seed].map(Number);
    const minutes = Number(values.minutes);
    if (isCount(requests) && isCount(buyers) && isCount(seed) && minutes > 0)
      return { requests, buyers, seed, minutes, json: values.json };
  } catch {
    // Said below.
  }
  process.stderr.write(HELP);
  return process.exit(2);
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0;
}
