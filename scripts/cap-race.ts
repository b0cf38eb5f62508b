/**
 * `npm run cap-race`: fifty purchases at once under a limit of ten payments, from 1, 4 and 8 processes, by our wallet and by the stock
 * clients with the limits that they know; prints what the chain has moved. Exit code 1 where our wallet charged anything but ten.
 */
import { parseArgs } from "node:util";
import { alignTable } from "../cli/table.ts";
import { PURCHASES, raceForCap } from "../test/middleware/race/cap-race.ts";
import type { ClientName } from "../test/middleware/race/clients.ts";

const HELP = `npm run cap-race -- [--json] [--help]

Fifty purchases of 0.01 at once, under a limit of 0.10, from 1, 4 and 8 processes that share one key. Each cell is how many payments
the chain has moved. With PURSER_TEST_POSTGRES (a URL) there is a row for a ledger on PostgreSQL.
`;

const PROCESSES = [1, 4, 8] as const;
const postgres = process.env["PURSER_TEST_POSTGRES"] ?? "";

const ROWS: { name: string; client: ClientName; limit: string; postgres?: string }[] = [
  { name: "purser", client: "purser", limit: "cap over all payments: 0.10" },
  ...(postgres === ""
    ? []
    : [
        {
          name: "purser on PostgreSQL",
          client: "purser" as const,
          limit: "cap over all payments: 0.10",
          postgres,
        },
      ]),
  { name: "x402-fetch 1.2.0", client: "x402-fetch", limit: "maxValue, a payment: 0.10" },
  { name: "@x402/fetch 2.27.0", client: "@x402/fetch", limit: "spendControls, a payment: 0.10" },
  { name: "mppx 0.11.0", client: "mppx", limit: "maxAtomicAmount, a payment: 0.10" },
];

const { values } = parseArgs({
  options: { json: { type: "boolean" }, help: { type: "boolean" } },
});
if (values.help === true) {
  process.stdout.write(HELP);
} else {
  const results = [];
  for (const { name, client, limit, postgres: url } of ROWS) {
    const charged: number[] = [];
    for (const processes of PROCESSES) {
      const result = await raceForCap({ client, processes, postgres: url });
      const words = Object.entries(result.words).map(([word, count]) => `${count} × ${word}`);
      process.stderr.write(`${name}, ${processes} processes: ${words.join(", ")}\n`);
      charged.push(result.charged);
    }
    results.push({ name, client, limit, charged });
  }
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify({ purchases: PURCHASES, results }, undefined, 2)}\n`);
  } else {
    const head = ["", ...PROCESSES.map((count) => `${count} process${count > 1 ? "es" : ""}`), ""];
    const lines = results.map(({ name, limit, charged }) => [name, ...charged.map(String), limit]);
    process.stdout.write(`${alignTable([head, ...lines]).join("\n")}\n`);
  }
  const ours = results.filter(({ client }) => client === "purser");
  process.exitCode = ours.every(({ charged }) => charged.every((count) => count === 10)) ? 0 : 1;
}
