/** A process's standard input as lines: whatever the pieces that they come in. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const module = fileURLToPath(new URL("../../middleware/signer/lines.ts", import.meta.url));
const ECHO = `
  import { onInputLines } from ${JSON.stringify(module)};
  onInputLines((line) => console.log(line), () => console.log("the end"));`;

test("a character and a line may come in pieces, and a line be longer than what is read at once", async () => {
  const echo = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", ECHO]);
  const lines = createInterface({ input: echo.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as unknown;
  const [first, second] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
  echo.stdin.write(Buffer.concat([Buffer.from("one\ntwo\ncaf"), first]));
  expect([await next(), await next()]).toEqual(["one", "two"]);
  echo.stdin.write(Buffer.concat([second, Buffer.from("s\n")]));
  expect(await next()).toBe("cafés");
  const long = "é".repeat(100_000);
  echo.stdin.write(`${long}\nno end`);
  expect(await next()).toBe(long);
  echo.stdin.end();
  expect(await next()).toBe("the end");
  expect(echo.exitCode ?? (await once(echo, "exit"))[0]).toBe(0);
});
