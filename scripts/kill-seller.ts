/**
 * `npm run kill-seller`: kills a seller at every step of a sale and at any moment, until as many as were asked for are dead, and compares
 * chain, deliveries, refunds and answers. Exit code 0 where everything agrees, 1 with the evidence where not, 2 for other arguments.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { PROTOCOLS } from "../test/middleware/protocol-payments.ts";
import { openMarket } from "../test/middleware/shop.ts";
import { ROUTES } from "../test/middleware/seller-kill/seller.ts";
import { SellerKiller } from "../test/middleware/seller-kill/seller-kills.ts";
import { seeded } from "../test/support/random.ts";
import { temporaryFolder } from "../test/support/temporary.ts";

const HELP = `npm run kill-seller -- [options]

Kills the process of a seller (work-first, settle-first, and work that always fails and is refunded; x402 v1, x402 v2 and MPP) while a
facilitator really settles on a local chain: first once at every step of every flow and protocol, then at any moment, with several buyers
who each send twice. After each death it starts again, and every buyer sends the same payment again until it is answered for good.

  --kills N   how many at most (400); the steps are some 180
  --seed N    what is bought and when it dies; the machine's own timing stays (a new one, printed)
  --json      print the report as one JSON object
  --help
`;

const { kills, seed, json } = readArguments();
process.stderr.write(`seed ${seed}\n`);
const random = seeded(seed);
const begun = performance.now();
await using market = await openMarket();
using folder = temporaryFolder();
await using killer = new SellerKiller({ market, folder: folder.path, random });
const { report } = killer;
const isOver = () => report.kills >= kills || report.violations.length > 0;
let told = 0;
const tell = () => {
  if (report.kills < told + 20) return;
  told = report.kills;
  process.stderr.write(`${told}/${kills} kills, ${report.purchases} purchases\n`);
};
await killer.open();
for (const route of ROUTES) {
  for (const protocol of PROTOCOLS) {
    let step = 1;
    while (!isOver() && (await killer.dieAtStep(route, protocol, { nth: step }))) {
      step += 1;
      tell();
    }
  }
}
while (!isOver()) {
  await killer.dieAtAnyMoment(8, 250);
  tell();
}
await killer.audit();
const seconds = Math.round((performance.now() - begun) / 1000);
if (json) {
  process.stdout.write(`${JSON.stringify({ seed, seconds, ...report }, undefined, 2)}\n`);
} else {
  const where = Object.entries(report.at).map(([step, count]) => `${step} ${count}`);
  const counts = `${report.kills} kills, ${report.purchases} purchases in ${seconds} s`;
  process.stdout.write(`${counts}: ${where.join(", ")}\n`);
  for (const text of report.violations) process.stdout.write(`VIOLATION ${text}\n`);
  if (report.violations.length === 0)
    process.stdout.write("nothing lost, nothing twice, every unit accounted for\n");
}
process.exitCode = report.violations.length === 0 ? 0 : 1;

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        kills: { type: "string", default: "400" },
        seed: { type: "string", default: String(randomInt(2 ** 31)) },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return process.exit(0);
    }
    const [kills, seed] = [Number(values.kills), Number(values.seed)];
    if (Number.isInteger(kills) && kills > 0 && Number.isInteger(seed))
      return { kills, seed, json: values.json };
  } catch {
    // Said below.
  }
  process.stderr.write(HELP);
  return process.exit(2);
}
