/**
 * A process that spends from a shared book, for tests of races and crashes: `node ledger-child.ts <path> <name> <count> <cap>`.
 * It prints "ready", waits for a line, then takes `count` purchases of 10 to `settled`, and prints how many it could.
 */
import { once } from "node:events";
import { PurserError } from "../../protocol/index.ts";
import { openBook, reservation, scope, send, TX } from "./ledger-world.ts";

const [path = "", name = "", count = "0", cap = "0"] = process.argv.slice(2);
const ledger = await openBook({ path });
process.stdout.write("ready\n");
await once(process.stdin, "data");

const attempts = Array.from({ length: Number(count) }, async (_, index) => {
  const purchase = `pur_${name}_${index}`;
  const fields = { purchase, scopes: [scope("provider:p/c", BigInt(cap))] };
  try {
    const { nonce } = await send(ledger, reservation(fields));
    await ledger.markSettled(nonce, TX);
    process.stdout.write(`settled ${purchase}\n`);
    return 1;
  } catch (error) {
    if (error instanceof PurserError && error.code === "CAP_EXCEEDED") return 0;
    throw error;
  }
});
const settled = (await Promise.all(attempts)).reduce<number>((sum, one) => sum + one, 0);
process.stdout.write(`total ${settled}\n`);
ledger.close();
process.exit(0);
