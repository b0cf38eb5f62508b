/** A client that is a program: its words, what it is told, and its end. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { commandClient, type Order } from "../../../conformance/index.ts";
import { splitCommand } from "../../../conformance/client/command.ts";
import { BASE_SEPOLIA_USDC } from "../../../protocol/index.ts";

const order: Order = {
  url: "http://127.0.0.1:1/s0/paid",
  method: "GET",
  headers: {},
  body: undefined,
  key: `0x${"11".repeat(32)}`,
  rpcUrl: "http://127.0.0.1:2",
  asset: BASE_SEPOLIA_USDC,
  payTo: `0x${"22".repeat(20)}`,
  max: 20_000n,
  purchase: "s0",
  goal: "Buy it; $(rm -rf /)",
  signal: AbortSignal.timeout(10_000),
};
const env = { PATH: process.env["PATH"] };
const run = (script: string, rest = "", changes: Partial<Order> = {}) =>
  commandClient({
    command: `${process.execPath} -e '${script}' -- ${rest}`,
    keyEnv: "TEST_KEY",
    cwd: process.cwd(),
    env,
  })({ ...order, ...changes });

describe("words are parted as a shell would, and nothing of them is carried out", () => {
  test.each([
    ["node pay.js {url}", ["node", "pay.js", "{url}"]],
    [`node -e 'a b' "c \\"d\\"" e\\ f`, ["node", "-e", "a b", 'c "d"', "e f"]],
    [`a --b="c d"e`, ["a", "--b=c de"]],
    ["a $(b) `c` > d; e | f", ["a", "$(b)", "`c`", ">", "d;", "e", "|", "f"]],
    [`a ''`, ["a", ""]],
  ])("%s", (command, words) => {
    expect(splitCommand(command)).toEqual(words);
  });

  test.each(["", "  ", "a 'b", 'a "b', "a b'c"])("%j is refused", (command) => {
    expect(() => splitCommand(command)).toThrow(
      expect.objectContaining({ code: "CHECK_TARGET_INVALID" }),
    );
  });
});

test("it is told its order in its arguments and its environment, and the key in the variable that was named", async () => {
  const script =
    "console.log(process.argv.slice(1).join(), process.env.PURSER_CHECK_MAX, process.env.PURSER_CHECK_PAY_TO, process.env.TEST_KEY)";
  const { ok, said } = await run(script, "--goal={goal} --max={max} {purchase} {else} {url}");
  expect(ok).toBe(true);
  expect(said.trim()).toBe(
    `--goal=${order.goal},--max=0.02,s0,{else},${order.url} 0.02 ${order.payTo} ${order.key}`,
  );
});

test("what the command does not name is put at its end: the URL, or an agent's goal, which holds it", async () => {
  const script = "console.log(process.argv.slice(1).join())";
  expect((await run(script, "--prompt={goal}")).said.trim()).toBe(`--prompt=${order.goal}`);
  expect((await run(script)).said.trim()).toBe(order.goal);
  expect((await run(script, "", { goal: undefined })).said.trim()).toBe(order.url);
});

test("its exit code is its word", async () => {
  expect(await run("process.exit(3)")).toMatchObject({ ok: false, ended: true });
});

test("a program that is not there has not paid", async () => {
  const client = commandClient({ command: "/no/such/program", keyEnv: "K", cwd: "/", env });
  expect(await client(order)).toMatchObject({ ok: false, ended: true });
});

test("one that does not end is ended, with what it started", async () => {
  const controller = new AbortController();
  const closed = Promise.withResolvers<void>();
  const server = createServer((request) => {
    // The grandchild is there, and holds this connection.
    request.socket.once("close", () => closed.resolve());
    controller.abort();
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const script = `require("node:child_process").spawn(process.execPath, ["-e", "fetch(process.argv[1])", process.argv.at(-1)]); setInterval(() => 0, 1000);`;
  const { ok, ended } = await run(script, "{url}", { url, signal: controller.signal });
  await closed.promise;
  server.close();
  expect({ ok, ended }).toEqual({ ok: false, ended: false });
});
