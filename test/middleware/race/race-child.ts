/** A process of the cap race: `node race-child.ts <plan as JSON>`. It prints "ready", waits for a line, and buys everything at once. */
import { once } from "node:events";
import { CLIENTS, type RacePlan } from "./clients.ts";

const plan = JSON.parse(process.argv[2] ?? "{}") as RacePlan;
const buy = await CLIENTS[plan.client](plan);
process.stdout.write("ready\n");
process.stdin.once("end", () => process.exit(1));
await once(process.stdin, "data");
const words = await Promise.all(
  plan.items.map((item) => buy(item).catch((error: unknown) => nameOf(error))),
);
process.stdout.write(`${JSON.stringify(words)}\n`, () => process.exit(0));

function nameOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 100) : String(error);
}
