/**
 * One of the servers of the interoperability page as a program, for `purser check --serve`: what it must know it reads from the tester's
 * environment.
 *
 *   node cli/main.ts check http://127.0.0.1:4021/a --sibling /b --ring 3 --serve "node scripts/server.ts x402-express"
 */
import { createServer } from "node:http";
import { SERVERS } from "./servers/stock.ts";

const [wanted = ""] = process.argv.slice(2);
const found = Object.entries(SERVERS).find(([name]) => name.split(" ")[0] === wanted);
const { PORT, FACILITATOR_URL, WITNESS_URL, DATABASE = ":memory:" } = process.env;
if (!found || !PORT || !FACILITATOR_URL || !WITNESS_URL) {
  const names = Object.keys(SERVERS).map((name) => name.split(" ")[0]);
  process.stderr.write(
    `Usage, from purser check --ring 3: --serve "node scripts/server.ts <name>". Names: ${names.join(", ")}.\n`,
  );
  process.exit(2);
}
const listener = await found[1]({
  facilitatorUrl: FACILITATOR_URL,
  witnessUrl: WITNESS_URL,
  database: DATABASE,
});
createServer(listener).listen(Number(PORT), "127.0.0.1");
